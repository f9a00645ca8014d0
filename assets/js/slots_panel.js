/* What moves, in short words: who does what, what happens around it, the light, and what stays still. The sentence is written
   from these, and they are filled from the sentence. */
(() => {
  const { h, memory } = Stir;
  const EMPTY = { prompt: "", subject: "", action: "", environment: "", light: "", still: "" };
  const NAMES = { subject: "Subject", action: "What it does", environment: "Around it", light: "Light", still: "Keep still" };
  const ROWS = [["Subject", ["subject", "action"]], ["Around it", ["environment"]], ["Light", ["light"]], ["Keep still", ["still"]]];

  Stir.parts.slots_panel = ({ element, props }) => {
    const root = element.firstElementChild;
    const kept = memory.get("slots", {});
    let slots = Object.fromEntries(Object.keys(EMPTY).map((name) => [name, kept[name] ?? ""]));
    let fitting = null; // words that suit the photo, by slot
    let current = "subject"; // the slot that the suggestions are for

    const inputs = Object.fromEntries(Object.keys(NAMES).map((name) => [name, h("input", { type: "text", id: "slot-" + name, "data-slot": name, maxlength: 400, "data-undo": true, autocomplete: "off", "aria-label": NAMES[name], oninput: () => set(name, inputs[name].value), onfocus: () => turn(name) })]));
    const rows = ROWS.map(([title, names]) => h("div", { class: "slot" }, h("span", { class: "move-name", "aria-hidden": "true" }, title), h("div", { class: "slot-inputs" }, names.map((name) => inputs[name]))));
    const chips = h("div", { class: "slot-chips", role: "group" });
    root.append(h("h3", {}, "What moves"), ...rows, h("div", { class: "slot" }, h("span", { class: "slot-try", "aria-hidden": "true" }, "Try"), chips));

    function set(name, text) {
      slots = { ...slots, [name]: text };
      say();
      if (name === current) paintChips();
    }
    function say() {
      memory.set("slots", slots);
      Stir.tell("slots", slots);
    }
    function turn(name) {
      if (name === current) return;
      current = name;
      paintChips();
    }
    const ideas = (name) => (fitting ?? props.suggestions)[name];
    function paintChips() {
      chips.setAttribute("aria-label", "Suggestions: " + NAMES[current].toLowerCase());
      Stir.redraw(chips, () => chips.replaceChildren(...ideas(current).map((words) => {
        const on = slots[current] === words;
        return h("button", { type: "button", class: "chip", "data-suggests": current, "aria-pressed": String(on), onclick: () => (set(current, on ? "" : words), paint()) }, words);
      })));
    }
    function paint() {
      for (const [name, input] of Object.entries(inputs)) {
        if (input.value !== slots[name]) input.value = slots[name];
        input.placeholder = ideas(name)[0];
      }
      paintChips();
    }
    function adopt(motion) {
      const next = Object.fromEntries(Object.keys(EMPTY).map((name) => [name, motion[name] ?? ""]));
      if (JSON.stringify(next) === JSON.stringify(slots)) return;
      slots = next;
      say();
      paint();
    }
    Stir.on("motion", adopt);
    Stir.on("heard", adopt);
    Stir.history.register("slots", { take: () => slots, put: (before) => ((slots = before), say(), paint()), words: () => "words" });
    Stir.on("photo-words", (next) => ((fitting = next), paint()));
    say();
    paint();
  };
})();
