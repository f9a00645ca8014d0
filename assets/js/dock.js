/* The dock: the button, and beside it what it leads to: how far the job is, what was refused with a way to where it is put right,
   and the way to the clip. On a phone it is the bar at the bottom of the page. */
(() => {
  const { h } = Stir;
  /* Where a refusal is put right: the place, what it is called, and what takes the keyboard there. */
  const PLACES = {
    photo: ["#photo", "the photo", ".dropzone, .aspects button"],
    camera: ["#camera", "the camera", ".tile"],
    effects: ["#effects", "what moves", ".wanted, .effect select, .chip"],
    words: ["#words", "the words", "#prompt"],
    ending: ["#ending", "the end", "button"],
    inputs: ["#hosted-inputs", "what the model is given", ".missing .attach-buttons button"],
    output: ["#output", "the settings", "#model:enabled, #seconds"],
  };
  const DESK = ["frame", "ending", "camera", "effects", "slots", "output"];
  const narrow = matchMedia("(max-width: 760px)");

  /* `stage` is what the page goes to, `panel` the panel it stands in; `progress` and `failure` are shown as they are. */
  Stir.dock = ({ stage, panel, progress, failure }) => {
    let refused = ""; // the desk that was refused
    let unseen = false; // a clip has come that nobody has looked at
    let inView = true;
    const note = Stir.note();
    const way = Stir.button("", { class: "ghost tiny-text note-way" });
    way.append(h("span"));
    const ready = h("div", { class: "row between ready", hidden: true }, h("span", {}, "The clip is ready."), Stir.button("See the clip", { class: "solid", id: "see-clip", onclick: () => go() }));
    const actions = h("div", { class: "actions" });
    const node = h("section", { class: "dock", "aria-label": "Animate" }, progress, failure, note.node, ready, actions);

    const desk = () => JSON.stringify(DESK.map(Stir.now));
    function refuse(refusal) {
      const [place, title, first] = PLACES[refusal.where] ?? PLACES.output;
      refused = desk();
      note.show(refusal);
      note.node.querySelector(".note-lines").append(way);
      way.lastChild.textContent = "Go to " + title;
      way.onclick = () => lead(place, first);
    }
    function lead(place, first) {
      const there = document.querySelector(place);
      const box = there?.querySelector(first) ?? there?.querySelector("button, select");
      (box ?? there)?.scrollIntoView({ block: "center", behavior: calm() });
      box?.focus({ preventScroll: true });
    }
    const calm = () => (Stir.calm() ? "auto" : "smooth");
    /* The page goes to the clip, where it isn't in sight. */
    function go() {
      const { top, bottom } = stage.getBoundingClientRect();
      const floor = narrow.matches ? node.getBoundingClientRect().top : innerHeight;
      if (top < 0 || bottom > floor) panel.scrollIntoView({ block: "start", behavior: calm() });
    }
    function paint() {
      ready.hidden = !unseen || inView;
    }
    new IntersectionObserver((entries) => {
      inView = entries.at(-1).intersectionRatio > 0.5;
      if (inView) unseen = false;
      paint();
    }, { threshold: [0, 0.5, 1] }).observe(stage);

    /* How much of the page's foot the bar takes: what has the keyboard never lies under it. */
    const measure = () => document.documentElement.style.setProperty("--bar", (narrow.matches ? node.offsetHeight : 0) + "px");
    new ResizeObserver(measure).observe(node);
    narrow.addEventListener("change", measure);

    /* Of a tall box the browser brings only the caret in sight. */
    addEventListener("focusin", ({ target }) => narrow.matches && target.matches("textarea") && target.scrollIntoView({ block: "nearest" }));

    Stir.on("refusal", (refusal) => (refusal.pressed || refusal.where === "output" || refusal.where === "inputs" || refusal.where === "camera") && refuse(refusal));
    for (const topic of DESK) Stir.on(topic, () => !note.node.hidden && desk() !== refused && note.clear());
    Stir.on("go-to", (where) => lead(PLACES[where][0], PLACES[where][2]));
    Stir.tell("dock", { actions, narrow });
    return { node, go, came: () => ((unseen = !inView), paint()), left: () => ((unseen = false), note.clear(), paint()) };
  };
})();
