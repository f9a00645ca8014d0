/* The report on the photo: one quiet line that opens into what will hurt, what helps, and what is fine. */
(() => {
  const { h, memory } = Stir;
  const GROUPS = [["mend", "Will hurt the clip"], ["mind", "Worth knowing"]];

  /* looked() is what to ask about, or null; mend(title, mends, box) opens the before and after; place(remedy) does what needs
     none and answers how to undo it; outline(box) shows where on the photo. */
  Stir.reportPanel = (server, { looked, mend, place, outline }) => {
    let turn = 0;
    let asked = ""; // the question on its way, or answered last
    let begun = ""; // the photo it is about
    let about = null; // the question whose answer is shown
    let done = null; // the remedy used last without a before and after, and the desk it left

    const figures = h("span", { class: "report-line" });
    const summary = h("summary", {}, h("span", { class: "report-words" }, h("span", {}, "Report"), figures));
    const list = h("div", { class: "flaws" });
    const body = h("div", { class: "fold-body" }, list);
    const fold = h("details", { class: "fold report", open: memory.get("report", false), hidden: true }, summary, body);
    fold.addEventListener("toggle", () => (memory.set("report", fold.open), outline(null)));
    const plain = h("p", { class: "report-plain" }, h("span", {}, "Report"), h("span", { class: "report-line" }), h("span", { class: "why report-fine" }));
    const undone = h("div", { class: "report-done", role: "status", hidden: true });
    const note = Stir.note();
    const node = h("section", { class: "report-room", "aria-label": "Report on the photo", tabindex: "-1", hidden: true }, undone, fold, plain);
    const calm = () => (note.clear(), note.node.remove());
    const refuse = (refusal) => (note.show(refusal), node.append(note.node));

    const ask = async () => {
      const wanted = looked();
      node.hidden = !wanted;
      if (!wanted) return (turn += 1), (asked = ""), (about = null), forget();
      const key = JSON.stringify(wanted);
      if (done && done.desk !== key) forget();
      if (key === asked) return;
      asked = key;
      begun = wanted.photo;
      const mine = ++turn;
      node.setAttribute("aria-busy", "true");
      node.removeAttribute("data-read");
      if (about?.photo !== wanted.photo) {
        line("reading the photo…");
        const first = await Stir.ask(server.report, { ...wanted, glance: true }, "report");
        if (mine !== turn) return;
        if (first) paint(first, true);
      } else body.inert = JSON.stringify(about.mends) !== JSON.stringify(wanted.mends);
      const answer = await Stir.ask(server.report, wanted, "report");
      if (mine !== turn) return;
      node.removeAttribute("aria-busy");
      body.inert = false;
      if (!answer) return (asked = ""), (about = null), line("could not be read"), Stir.tell("looked", wanted.photo);
      calm();
      about = wanted;
      node.dataset.read = wanted.photo;
      paint(answer);
      Stir.tell("looked", wanted.photo);
    };
    const soon = Stir.later(ask, 250);

    function line(words, fine = "") {
      [fold.hidden, plain.hidden] = [true, false];
      for (const one of [list, figures]) one.replaceChildren();
      plain.children[1].textContent = words;
      plain.children[2].textContent = fine;
      plain.title = "";
    }
    /* `first`: what was found in the pixels, while faces, lettering and the subject are still looked for. */
    function paint(answer, first = false) {
      if (first) answer = { ...answer, line: answer.line + " · looking on…", counts: [...answer.counts, "looking on…"], fine: "" };
      outline(null);
      if (!answer.hurts.length) {
        line(answer.line, answer.fine);
        plain.title = answer.checked.join("\n");
        return;
      }
      [fold.hidden, plain.hidden] = [false, true];
      figures.replaceChildren(...answer.counts.flatMap((words, index) => [index ? " · " : "", !index && answer.fixes ? h("em", {}, words) : words]));
      Stir.redraw(list, () => list.replaceChildren(
        ...GROUPS.flatMap(([level, words]) => {
          const some = answer.hurts.filter((one) => one.level === level);
          const all = level === "mend" && answer.all && Stir.button("Fix all", { class: "ghost tiny-text mend-all", onclick: () => mend("Fix all", answer.all, null) });
          return some.length ? [h("div", { class: "row between flaw-head" }, h("h3", {}, words), all), h("ul", { class: "flaw-list" }, some.map(finding))] : [];
        }),
        answer.fine ? h("p", { class: "why report-fine", title: answer.checked.join("\n") }, answer.fine) : "",
      ));
      if (!first) Stir.say(`Report: ${answer.line}.`);
    }
    function finding(one) {
      const where = one.box && h("button", { type: "button", class: "where", onclick: () => outline(one.box, true) }, "Show where");
      const why = one.why || where ? h("p", { class: "flaw-why" }, one.why, one.why && where ? " · " : null, where) : null;
      const item = h("li", { class: "flaw", "data-code": one.code, "data-level": one.level }, h("div", { class: "flaw-text" }, h("p", { class: "flaw-says" }, one.says), why),
        one.remedies.length ? h("div", { class: "flaw-remedies" }, one.remedies.map((remedy) => Stir.button(remedy.label, { class: "solid remedy", onclick: () => use(one, remedy) }))) : null);
      if (one.box) {
        for (const event of ["pointerenter", "focusin"]) item.addEventListener(event, () => outline(one.box));
        for (const event of ["pointerleave", "focusout"]) item.addEventListener(event, () => outline(null));
      }
      return item;
    }
    function use(one, remedy) {
      calm();
      outline(null);
      if (remedy.mends) return mend(remedy.label, remedy.mends, one.box);
      forget();
      const { title, controls } = Stir.card(Stir.now("output").model);
      if (remedy.size && !controls.sizes.includes(remedy.size)) return refuse({ reason: `${title} doesn't make ${remedy.size}.`, remedy: controls.sizes.length ? `Its sizes: ${controls.sizes.join(", ")}.` : "It chooses the size itself." });
      const undo = place(remedy);
      done = { desk: JSON.stringify(looked()) };
      undone.replaceChildren(h("span", {}, `Done: ${remedy.label}.`), Stir.button("Undo", { class: "ghost tiny-text", onclick: () => back(undo) }));
      undone.hidden = false;
      undone.querySelector("button").focus({ preventScroll: true });
    }
    /* Undo hides itself: the keyboard goes to the report. */
    function back(undo) {
      forget();
      undo();
      (fold.hidden ? node : summary).focus({ preventScroll: true });
    }
    function forget() {
      done = null;
      undone.hidden = true;
    }
    /* A photo that has just come is looked at at once, a crop once the hand rests. */
    for (const topic of ["frame", "output"]) Stir.on(topic, () => (looked()?.photo === begun ? soon() : ask()));
    Stir.on("refusal", (refusal) => refusal.where === "report" && refuse(refusal));
    return { node };
  };

  /* Where a flaw is; one that was asked for by a press stays for a while, wherever the page scrolls meanwhile. */
  Stir.placeMark = () => {
    const node = h("i", { class: "place-mark", hidden: true });
    let held = 0; // the timer of a place that stays outlined
    function show(box, stay = false) {
      if (!box && held) return;
      clearTimeout(held);
      held = stay ? setTimeout(clear, 3000) : 0;
      node.hidden = !box;
      if (!box) return;
      const [x, y, w, tall] = box;
      Object.assign(node.style, { left: x * 100 + "%", top: y * 100 + "%", width: w * 100 + "%", height: tall * 100 + "%" });
      if (stay) node.closest(".photo-stage").scrollIntoView({ block: "nearest", behavior: Stir.calm() ? "auto" : "smooth" });
    }
    function clear() {
      clearTimeout(held);
      held = 0;
      show(null);
    }
    return { node, show, clear };
  };
})();
