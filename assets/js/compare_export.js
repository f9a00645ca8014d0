/* A comparison as one file: a grid or a wipe as a film, a contact sheet as a picture. It is written in the studio while one looks on. */
(() => {
  const { h, icon, memory } = Stir;
  const KINDS = [["grid", "Grid film", "MP4, all at once, each with its label"], ["wipe", "Wipe film", "MP4, a line that goes across two of them"], ["sheet", "Contact sheet", "PNG, three frames of each"]];
  const LOOK = 300; // ms between two looks at how far it is

  /* `room` has {id(), shown(), pair(), heard(), count(), blind()}: the ids of what is on the table, of the two that are laid over each
     other ([] while none are), of the one that is heard, and how many there are in all. */
  Stir.compareExport = (server, room) => {
    let all = false;
    let running = "";
    const which = Stir.segments("Which", [["table", "On the table"], ["all", "All"]], (value) => ((all = value === "all"), which.paint(value)));
    const rows = KINDS.map(([kind, words, hint]) => h("button", { type: "button", class: "export-kind", "data-kind": kind, onclick: () => begin(kind) }, h("strong", {}, words), h("span", {}, hint)));
    const bar = h("progress", { "aria-label": "Export", max: 1 });
    const stop = Stir.button("Stop", { class: "ghost tiny-text", onclick: () => running && server.stop_export({ id: running }) });
    const line = h("div", { class: "export-line", hidden: true }, bar, stop);
    const note = Stir.note();
    const hidden = h("p", { class: "why", hidden: true }, "Without names, until there is a winner.");
    const menu = h("div", { class: "export-menu" }, which.node, rows, hidden, line, note.node);
    const node = h("details", { class: "compare-export" }, h("summary", {}, icon("down"), h("span", {}, "Export")), menu);

    node.addEventListener("toggle", () => {
      if (!node.open) return;
      note.clear();
      which.paint(all ? "all" : "table");
      which.node.hidden = room.shown().length >= room.count();
      hidden.hidden = !room.blind();
    });
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !node.open) return;
      event.preventDefault();
      event.stopPropagation();
      node.open = false;
      node.firstChild.focus();
    });
    addEventListener("pointerdown", (event) => node.open && !node.contains(event.target) && !running && (node.open = false));

    function busy(on) {
      line.hidden = !on;
      bar.removeAttribute("value");
      for (const one of rows) one.disabled = on;
    }
    async function begin(kind) {
      if (running) return;
      note.clear();
      busy(true);
      const shown = room.shown();
      const cells = kind === "wipe" ? room.pair() : all || (shown.length >= room.count() && !shown.includes("photo")) ? [] : shown; // [] are all in the grid's order
      const answer = await server.export_comparison({ id: room.id(), kind, cells, ending: memory.get("compare-short", "hold"), sound: kind === "sheet" ? "" : room.heard() }).catch(() => undefined);
      running = answer?.export ?? "";
      let seen = answer;
      while (running) {
        seen = await server.look_at_export({ id: running }).catch(() => undefined);
        if (!seen || seen.refusal || seen.path) break;
        if (seen.total) bar.value = seen.done / seen.total;
        await new Promise((go) => setTimeout(go, LOOK));
      }
      running = "";
      busy(false);
      if (seen?.path) return Stir.save(Stir.file(seen.path), seen.name), (node.open = false);
      note.show(seen?.refusal ?? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." });
    }
    return { node, close: () => (node.open = false) };
  };
})();
