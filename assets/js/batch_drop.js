/* Photos for a new batch: dropped or chosen files, folders and ZIPs, sent one by one with how far that is. */
(() => {
  const { h, icon } = Stir;
  const TEXTS = /\.(txt|csv|tsv)$/i;

  /* Every file of a drop, folders opened, in the order of their names; hidden ones left out. */
  async function gather(transfer) {
    const entries = [...(transfer.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.some((one) => one.isDirectory)) return [...transfer.files];
    const found = [];
    async function walk(entry) {
      if (entry.name.startsWith(".")) return;
      if (entry.isFile) return found.push(await new Promise((take, fail) => entry.file(take, fail)));
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((take, fail) => reader.readEntries(take, fail));
        if (!some.length) return;
        for (const one of some) await walk(one);
      }
    }
    for (const entry of entries) await walk(entry).catch(() => {});
    return found;
  }

  /* `changed()` whenever what is chosen changes. */
  Stir.batchDrop = ({ given, changed }) => {
    let files = [];
    let prompts = null;
    let stopped = false;
    const input = h("input", { type: "file", multiple: true, class: "unseen", tabindex: "-1", "aria-hidden": "true", id: "batch-files", onchange: () => (add([...input.files]), (input.value = "")) });
    const folderInput = h("input", { type: "file", webkitdirectory: true, class: "unseen", tabindex: "-1", "aria-hidden": "true", id: "batch-folder", onchange: () => (add([...folderInput.files].filter((one) => !one.name.startsWith("."))), (folderInput.value = "")) });
    const list = h("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", id: "batch-prompts", accept: ".txt,.csv,.tsv", onchange: () => ((prompts = list.files[0] ?? prompts), (list.value = ""), paint()) });
    const zone = h("button", { type: "button", class: "dropzone", onclick: () => input.click() },
      h("span", { class: "drop-mark" }, icon("photo", 28)), h("strong", {}, "Drop photos, a folder or a ZIP"), h("span", {}, "or click to choose files"),
      h("small", {}, `up to ${given.most} photos of ${Math.round(given.largest / 1e6)} MB · they stay on this computer`));
    const count = h("p", { class: "drop-count", "aria-live": "polite" });
    const left = h("ul", { class: "drop-left notes" });
    const pick = Stir.button("Choose a folder", { class: "solid", onclick: () => folderInput.click() }, "folder");
    const clear = Stir.button("Start over", { class: "ghost", hidden: true, onclick: () => ((files = []), (prompts = null), (left.hidden = true), left.replaceChildren(), paint()) });
    const path = h("input", { type: "search", class: "folder-path", placeholder: "/home/me/Pictures/Harbour", "aria-label": "A folder or ZIP on this computer", autocomplete: "off", spellcheck: "false", oninput: () => paint() });
    const local = given.local ? h("label", { class: "field" }, h("span", {}, "or a folder or ZIP on this computer, by its path"), path) : null;
    const bar = h("i", { class: "thin-bar", hidden: true }, h("i"));
    const stop = Stir.button("Stop sending", { class: "ghost tiny-text", hidden: true, onclick: () => (stopped = true) });
    const node = h("div", { class: "batch-drop" }, zone, h("div", { class: "row" }, pick, clear, h("span", { class: "grow" }), stop), count, bar, left, local, input, folderInput, list);
    const promptNode = h("div", { class: "row prompt-file" }, Stir.button("Choose a text or CSV file", { class: "solid", onclick: () => list.click() }, "folder"), h("span", { class: "count" }));

    function add(more) {
      const known = new Set(files.map((one) => `${one.webkitRelativePath || one.name}/${one.size}`));
      const large = more.filter((one) => one.size > given.largest);
      const fresh = more.filter((one) => one.size <= given.largest && !known.has(`${one.webkitRelativePath || one.name}/${one.size}`));
      const csv = fresh.find((one) => /\.[ct]sv$/i.test(one.name));
      if (csv) prompts = csv;
      files = [...files, ...fresh.filter((one) => one !== csv)].sort((one, other) => (one.webkitRelativePath || one.name).localeCompare(other.webkitRelativePath || other.name, undefined, { numeric: true }));
      left.hidden = !large.length;
      left.replaceChildren(...large.slice(0, 6).map((one) => h("li", {}, `${one.name} is over ${Math.round(given.largest / 1e6)} MB. ${/\.zip$/i.test(one.name) ? "Unpack it and choose the folder." : "Save it as a JPG, or at a smaller size."}`)));
      paint();
    }
    const photos = () => files.filter((one) => !TEXTS.test(one.name));
    function paint() {
      const [many, texts] = [photos().length, files.length - photos().length];
      const bytes = files.reduce((sum, one) => sum + one.size, 0);
      count.textContent = many ? `${many} ${many === 1 ? "file" : "files"}, ${Stir.bytes(bytes)}${texts ? `, and ${texts} ${texts === 1 ? "text" : "texts"} beside them` : ""}` : "";
      zone.classList.toggle("small", many > 0);
      clear.hidden = !files.length && !prompts;
      promptNode.lastChild.textContent = prompts ? prompts.name : "or a .txt beside each photo, of its name";
      changed();
    }
    const sent = (at, total, share) => ((bar.firstChild.style.width = share * 100 + "%"), (count.textContent = `Sending ${at} of ${total}…`));
    /* Send one after the other. Answers {files, prompts}, or null where it was stopped or failed; `fail(refusal)` then. */
    async function send(fail) {
      const all = prompts ? [...files, prompts] : files;
      const whole = all.reduce((sum, one) => sum + one.size, 0) || 1;
      const done = [];
      let bytes = 0;
      stopped = false;
      bar.hidden = stop.hidden = false;
      const leaving = (event) => event.preventDefault();
      addEventListener("beforeunload", leaving);
      try {
        for (const [at, one] of all.entries()) {
          if (stopped) return null;
          sent(at + 1, all.length, bytes / whole);
          const { path, refusal } = await Stir.send(one);
          if (refusal) return fail(refusal), null;
          done.push({ path, name: one.webkitRelativePath?.split("/").pop() || one.name });
          bytes += one.size;
        }
        return { files: prompts ? done.slice(0, -1) : done, prompts: prompts ? done.at(-1) : null };
      } finally {
        removeEventListener("beforeunload", leaving);
        bar.hidden = stop.hidden = true;
        paint();
      }
    }
    paint();
    return {
      node, prompts: promptNode, send, add,
      get ready() { return photos().length > 0 || Boolean(local && path.value.trim()); },
      get folder() { return photos().length ? "" : (local && path.value.trim()) || ""; },
      get many() { return photos().length; },
      clear: () => ((files = []), (prompts = null), (path.value = ""), paint()),
      take: async (transfer) => add(await gather(transfer)),
    };
  };
})();
