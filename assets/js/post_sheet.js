/* Where a clip goes: places as pictures of the clip as each shows it, several at once; what a place doesn't take is said before, with
   the press that puts it right; then how far each file is, and what was found in it, field by field. */
(() => {
  const { h, icon, file, memory } = Stir;
  const LOOK = 400; // ms between two looks
  const FITS = [["crop", "Cropped"], ["blur", "Whole, on a blur"], ["pad", "Whole, on black"]];
  const SAID = { waiting: "Waiting", working: "Writing", stopped: "Stopped" };

  Stir.postSheet = ({ root, given, server }) => {
    const chosen = new Set(memory.get("post-places", []).filter((id) => given.places.some((one) => one.id === id)));
    let clips = [];
    const wishes = new Map(); // place → how the clip is made fit for it, where that isn't the studio's own way
    let foreseen = {}; // place → what will be done to the clip for it, or why it can't go there
    let turn = 0;
    let delivery = null; // what was last seen of the one that runs, or has run
    let running = "";
    const close = h("button", { type: "button", class: "ghost tiny", "aria-label": "Close", onclick: () => node.close() }, icon("close"));
    const title = h("h2", {}, "Post to…");
    const of = h("span", { class: "post-of" });
    const groups = [["post", "Services"], ["file", "Files of your own"]].map(([kind, words]) => {
      const list = h("ul", { class: "post-places", "aria-label": words });
      list.append(...given.places.filter((one) => one.kind === kind).map(row));
      return h("section", { class: "post-group" }, h("h3", {}, words), list);
    });
    const note = Stir.note();
    const line = h("p", { class: "post-told", role: "status" });
    const go = h("button", { type: "button", class: "primary", id: "post-go", onclick: () => start() }, h("span", {}, ""));
    const stop = Stir.button("Stop", { class: "solid", id: "post-stop", onclick: () => running && server.stop_delivery({ id: running }) }, "stop");
    const zip = Stir.button("Download all", { class: "solid", id: "post-zip", onclick: () => take() }, "down");
    const again = Stir.button("Other places", { class: "ghost", id: "post-again", onclick: () => ((delivery = null), paint()) }, "left");
    const node = h("dialog", { class: "sheet post-sheet", "aria-label": "Post to" }, h("div", { class: "post-head" }, h("div", { class: "post-title" }, title, of), close), h("div", { class: "post-body" }, groups), h("div", { class: "post-foot" }, note.node, line, h("div", { class: "post-go" }, again, go, stop, zip)));
    node.addEventListener("click", (event) => event.target === node && node.close());
    root.append(node);

    /* A place: the clip as it is shown there, what is drawn over it, and what it takes. */
    function row(place) {
      const box = h("input", { type: "checkbox", value: place.id, "aria-label": place.title, onchange: () => (box.checked ? chosen.add(place.id) : chosen.delete(place.id), memory.set("post-places", [...chosen]), changed()) });
      const face = h("span", { class: "post-face" }, h("img", { alt: "", class: "post-under" }), h("img", { alt: "" }), ...place.covers.map((one) => h("i", { title: one.what, style: { left: one.x * 100 + "%", top: one.y * 100 + "%", width: one.w * 100 + "%", height: one.h * 100 + "%" } })));
      const tick = h("span", { class: "post-tick", "aria-hidden": "true" }, icon("check", 12));
      return h("li", { class: "post-place", "data-place": place.id }, h("label", { class: "post-pick" }, box, h("span", { class: "post-frame" }, face, tick), h("span", { class: "post-words" }, h("strong", {}, place.title), h("span", {}, place.words), place.covers.length ? h("span", { class: "post-covers" }, `Draws over it: ${place.covers.map((one) => one.what).join("; ")}`) : null)), h("p", { class: "post-done", hidden: true }), h("ul", { class: "misfits", hidden: true }), wishing(place), h("div", { class: "post-state", hidden: true }));
    }
    /* How the clip is made fit: cropped or shown whole where its shape is another, and which file of several. */
    function wishing(place) {
      const set = (change) => (wishes.set(place.id, { ...wishes.get(place.id), ...change }), changed());
      const fit = Stir.segments("Another shape", FITS, (value) => set({ fit: value }));
      const part = Stir.slider("What the crop keeps", {}, (value) => set({ part: value }));
      const keeps = h("label", { class: "post-part" }, h("span", {}, "Keeps"), part);
      const kinds = place.files.length > 1 ? Stir.menu("File", place.files, place.files[0][0], (value) => set({ container: value }), { class: "quiet" }) : null;
      const under = h("input", { type: "number", min: 0.1, step: 0.1, placeholder: place.most_mb || "", "aria-label": "At most, MB", onchange: () => set({ under: Number(under.value) || 0 }) });
      const files = kinds ? h("div", { class: "row" }, kinds, h("label", { class: "inline" }, "at most", under, "MB")) : null;
      const node = h("div", { class: "post-wish", hidden: true }, h("div", { class: "row post-fit" }, fit.node, keeps), files);
      node.paint = (on) => {
        const other = Math.abs(shapeOf(place) / clipShape() - 1) > 0.005;
        const wish = wishes.get(place.id) ?? {};
        node.hidden = !on || !(other || files);
        node.firstChild.hidden = !other;
        fit.paint(wish.fit ?? "crop");
        keeps.hidden = (wish.fit ?? "crop") !== "crop";
        part.paint(wish.part ?? 0.5);
        const [face] = node.parentElement.getElementsByClassName("post-face");
        face.dataset.fit = other ? (wish.fit ?? "crop") : "crop";
        face.style.setProperty("--part", (wish.part ?? 0.5) * 100 + "%");
      };
      return node;
    }
    const clipShape = () => (clips[0] ? clips[0].width / clips[0].height : 1);
    function shapeOf({ aspect, shapes }) {
      const own = clipShape();
      if (aspect === "photo" || (shapes && shapes[0] <= own && own <= shapes[1])) return own; // it goes there as it is
      const [wide, tall] = aspect.split(":").map(Number);
      return wide / tall;
    }
    /* A wish as the studio takes it: where the crop's middle is, in fractions of the clip. */
    function wishOf(place) {
      const { part = null, fit = "crop", container = "", under = 0 } = wishes.get(place.id) ?? {};
      const ratio = shapeOf(place) / clipShape();
      const middle = (share) => part * (1 - share) + share / 2;
      const centre = part === null ? null : [ratio < 1 ? middle(ratio) : 0.5, ratio > 1 ? middle(1 / ratio) : 0.5]; // null: around the subject
      return { fit, container, under: Math.round(under * 1e6), centre };
    }
    const rows = new Map([...node.querySelectorAll(".post-place")].map((one) => [one.dataset.place, one]));
    const place = (id) => given.places.find((one) => one.id === id);

    const wanted = () => ({ ids: clips.map((one) => one.id), places: [...chosen], wishes: Object.fromEntries([...chosen].map((id) => [id, wishOf(place(id))])) });
    function changed() {
      paint();
      foresee();
    }
    const foresee = Stir.later(async () => {
      const mine = ++turn;
      const answer = chosen.size ? await server.foresee_delivery(wanted()).catch(() => null) : {};
      if (mine !== turn || !answer) return;
      if (answer.refusal) return note.show(answer.refusal);
      foreseen = answer;
      paint();
    }, 200);
    function paint() {
      const done = delivery && !running;
      for (const [id, one] of rows) {
        const box = one.querySelector("input");
        const on = chosen.has(id);
        box.checked = on;
        box.disabled = Boolean(delivery);
        one.classList.toggle("chosen", on);
        one.hidden = Boolean(delivery) && !delivery.items.some((each) => each.platform === id);
        one.querySelector(".post-wish").paint(on && !delivery);
        paintMisfits(one, on && !delivery ? (foreseen[id] ?? []) : []);
        paintState(one, delivery ? delivery.items.filter((each) => each.platform === id) : []);
      }
      for (const one of groups) one.hidden = ![...one.querySelectorAll(".post-place")].some((each) => !each.hidden);
      const files = delivery?.items.flatMap((one) => one.files) ?? [];
      go.hidden = Boolean(delivery);
      go.disabled = !chosen.size;
      const count = chosen.size * clips.length;
      go.firstChild.textContent = chosen.size ? `Make ${count === 1 ? "the file" : count + " files"}` : "Choose where it goes";
      stop.hidden = !running;
      again.hidden = !done;
      zip.hidden = !done || !files.length;
      zip.lastChild.textContent = files.length > 1 ? "Download all" : "Download";
      const checks = files.flatMap((one) => one.checks);
      const wrong = checks.filter((one) => !one.is_met).length;
      line.textContent = !delivery ? "" : running ? "Each file is written, then read again and compared with what its place asks for." : !files.length ? "" : wrong ? `${checks.length - wrong} of ${checks.length} checks are met.` : `${files.length} file${files.length > 1 ? "s" : ""}, all ${checks.length} checks met.`;
      node.classList.toggle("delivering", Boolean(delivery));
    }
    function paintMisfits(one, found) {
      const list = one.querySelector(".misfits");
      const key = JSON.stringify(found);
      if (list.dataset.seen === key) return;
      list.dataset.seen = key;
      const refused = found.filter((each) => each.reason);
      list.hidden = !refused.length;
      list.replaceChildren(...refused.map((each) => h("li", {}, icon("alert"), h("span", {}, each.reason, each.change ? "" : " " + each.remedy), each.change ? h("button", { type: "button", class: "solid", onclick: () => mend(one.dataset.place, each.change) }, each.label) : null)));
      const done = found.flatMap((each) => (each.reason ? [] : each.choices));
      const said = one.querySelector(".post-done");
      said.hidden = !done.length;
      said.replaceChildren(...done.map((each) => h("span", { title: each.reason }, `${each.what}: ${each.value}`)));
    }
    /* What puts it right is a finish: seen there before it is written. */
    function mend(platform, change) {
      node.close();
      Stir.emit("open-finish", { id: clips[0].id, change: { ...change, platform } });
    }
    function paintState(one, mine) {
      const room = one.querySelector(".post-state");
      const key = JSON.stringify(mine);
      if (room.dataset.seen === key) return;
      room.dataset.seen = key;
      room.hidden = !mine.length;
      Stir.redraw(room, () => room.replaceChildren(...mine.flatMap(state)));
    }
    function state(one) {
      if (one.reason) return [h("p", { class: "post-line bad" }, icon("alert", 14), h("span", {}, one.reason, " ", one.remedy))];
      if (one.state !== "done") {
        const bar = h("div", { class: "bar", role: "progressbar", "aria-label": one.title, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round((100 * one.done) / Math.max(1, one.total)) }, h("i", { style: { width: (100 * one.done) / Math.max(1, one.total) + "%" } }));
        return [h("p", { class: "post-line" }, h("span", {}, SAID[one.state])), bar];
      }
      return one.files.map(result);
    }
    /* A written file: whether it is what was asked for, and field by field. */
    function result(one) {
      const wrong = one.checks.filter((each) => !each.is_met).length;
      const mark = h("span", { class: wrong ? "post-mark bad" : "post-mark" }, icon(wrong ? "alert" : "check", 14));
      const table = h("table", { class: "post-checks" }, h("thead", {}, h("tr", {}, ...["Field", "Wanted", "Found"].map((words) => h("th", { scope: "col" }, words)), h("th", { scope: "col" }, h("span", { class: "unseen" }, "Met")))), h("tbody", {}, one.checks.map((each) => h("tr", { class: each.is_met ? "" : "bad" }, h("th", { scope: "row" }, each.field), h("td", {}, each.wanted), h("td", {}, each.found), h("td", {}, icon(each.is_met ? "check" : "alert", 12), h("span", { class: "unseen" }, each.is_met ? "yes" : "no"))))));
      const fold = h("details", { class: "post-fold" }, h("summary", {}, mark, h("span", {}, wrong ? `${wrong} of ${one.checks.length} not as asked` : `All ${one.checks.length} checks met`), h("span", { class: "post-size" }, Stir.bytes(one.bytes))), table);
      const save = Stir.button("", { class: "ghost tiny post-save", "aria-label": `Download ${one.name}`, title: one.name, onclick: () => Stir.save(file(one.path), one.name) }, "down");
      return h("div", { class: "post-result" }, fold, save);
    }

    const start = Stir.once(async () => {
      if (go.disabled) return;
      note.clear();
      const answer = await server.start_delivery(wanted()).catch(() => undefined);
      if (!answer || answer.refusal) return note.show(answer?.refusal ?? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." });
      running = answer.id;
      await follow();
    });
    async function follow() {
      while (running) {
        const seen = await server.look_at_delivery({ id: running }).catch(() => undefined);
        if (!seen || seen.refusal) {
          note.show(seen?.refusal ?? { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." });
          running = "";
          break;
        }
        delivery = seen;
        if (seen.is_over) running = "";
        paint();
        if (running) await new Promise((next) => setTimeout(next, LOOK));
      }
      paint();
      if (!delivery) return;
      Stir.say(line.textContent);
      if (node.open) (zip.hidden ? again : zip).focus({ preventScroll: true });
    }
    async function take() {
      const files = delivery.items.flatMap((one) => one.files);
      if (files.length === 1) return Stir.save(file(files[0].path), files[0].name);
      const answer = await Stir.ask(server.zip_delivery, { id: delivery.id });
      if (answer) Stir.save(file(answer.path), answer.name);
    }
    return {
      async open({ ids }) {
        if (running) return node.showModal();
        const answer = await Stir.ask(server.open_post, { ids });
        if (!answer) return;
        ({ clips } = answer);
        foreseen = {};
        delivery = null;
        note.clear();
        of.textContent = clips.length > 1 ? `${clips.length} clips` : clips[0].title;
        for (const [id, one] of rows) {
          const face = one.querySelector(".post-face");
          face.style.setProperty("--shape", shapeOf(place(id)));
          for (const picture of face.querySelectorAll("img")) picture.src = file(clips[0].thumb);
        }
        changed();
        node.showModal();
      },
    };
  };
})();
