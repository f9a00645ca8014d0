/* Describe it: the sentence. It writes itself from the builder, and what is typed into it comes back to the builder. Its value is the Words.

   One thing holds them together: what both last agreed on (`agreed`). The studio is told that, the builder as it is and the
   sentence as it is; it hears what was typed, lets stand what was pressed, and writes only when something was pressed. An answer
   that comes after another change is dropped, because the next question holds everything it knew. */
(() => {
  const { h, memory } = Stir;
  const SLOTS = ["prompt", "subject", "action", "environment", "light", "still"];
  const PAINTED = "AAAA"; // stands for whatever was painted: here it only matters that something was
  const PAUSE = 150;
  const bare = (slots) => Object.fromEntries(SLOTS.map((name) => [name, slots?.[name] ?? ""]));

  Stir.parts.words_panel = ({ element, props, server }) => {
    const root = element.firstElementChild;
    let agreed = memory.get("agreed", null); // {motion, text}
    let write = !agreed?.text && !memory.get("words", ""); // the sentence is to be written, whatever it says
    let turn = 0;
    let asked = "";
    let checked = ""; // what the findings on the page are of
    let waiting = false;
    let unwanted = ""; // what a fix takes out of the sentence and puts where it is avoided
    let answering = Promise.resolve();
    let held = ""; // the sentence as the desk knows it: what is just being typed comes after

    const words = h("textarea", { rows: 1, id: "prompt", "data-undo": true, maxlength: 4000, placeholder: "Say what moves, what the camera does and what stays still", "aria-describedby": "check-state promise", oninput: () => hearTyping() });
    const check = Stir.sentenceCheck(words, fix);
    const promise = Stir.promiseLine({ strike: (next) => enter(next), paint: (effect) => Stir.emit("paint-missing", effect) });
    const told = Stir.promptFold();
    const note = Stir.note();
    root.append(h("div", { class: "row between words-head" }, h("h3", {}, h("label", { for: "prompt" }, "Describe it")), check.state), check.node, note.node, promise.node, check.list, told.fold);

    function built() {
      const [camera, effects, slots, output] = ["camera", "effects", "slots", "output"].map(Stir.now);
      if (!camera || !effects || !slots || !output) return null;
      const { prompt, ...others } = slots;
      const { moves, ease, loop, speed, then = [] } = camera;
      const painted = effects.map((one) => ({ ...one, brush: one.brush ? PAINTED : "" }));
      return { prompt, negative_prompt: output.negative_prompt, camera: { moves, ease, loop, speed, then }, effects: painted, ...others };
    }
    function hearTyping() {
      write = false;
      held = words.value;
      memory.set("words", words.value);
      check.paint(words.value, null);
      soon();
    }
    /* The caret stays where it was; whoever had just gone into an empty box was about to write their own: typing replaces it. */
    function put(text) {
      const { value, selectionStart: from, selectionEnd: to } = words;
      words.value = held = text;
      if (document.activeElement === words) words.setSelectionRange(from, value ? to : text.length);
    }
    /* A sentence from elsewhere is typed, so that it can be undone like everything that is typed; where typing would bring up a
       keyboard over half the screen it is put there. */
    function enter(next) {
      if (matchMedia("(pointer: coarse)").matches || !type(next)) (words.value = next), hearTyping();
      run();
    }
    function type(next) {
      words.focus({ preventScroll: true });
      if (document.activeElement !== words) return false; // it is out of sight: typing would go where the user is
      words.select();
      return document.execCommand(next ? "insertText" : "delete", false, next);
    }
    /* A fix is the whole sentence as it was checked: what has been typed since is checked first. */
    async function fix(one) {
      if (waiting || checked !== mark(question())) {
        await Stir.settle();
        one = check.again(one.code);
      }
      if (!one?.fix) return;
      unwanted = one.negative;
      enter(one.fix);
    }
    const later = Stir.later(() => waiting && run(), PAUSE);
    function soon() {
      waiting = true;
      later();
    }
    /* Whoever sends the desk away waits for this first: nothing that was typed is left behind. */
    Stir.settle = async () => {
      if (waiting) run();
      await answering;
    };
    /* What an answer depends on: nothing is asked twice, and an answer counts only while all of it is as it was asked. */
    const mark = ({ motion, text, model, seconds, unplaced, boxed }) => JSON.stringify([motion, text, model, seconds, unplaced, boxed]);
    /* The effects that find no place on the photo, as far as that is known; what waits for the brush the studio knows by itself. */
    const lost = () => (Stir.now("nowhere")?.unplaced ?? []).filter((one) => one.why !== "unpainted").map((one) => one.effect);
    function question() {
      const motion = built();
      const { model, seconds } = Stir.now("output") ?? {};
      if (motion && !agreed) memory.set("agreed", (agreed = { motion, text: "" })); // what is pressed before the first sentence is there stands
      return motion && { motion, before: agreed.motion, text: words.value, said: agreed.text, write, model, seconds, unplaced: lost(), boxed: Boolean(Stir.now("frame")?.end) };
    }
    function run() {
      waiting = false;
      const ask = question();
      if (!ask || (mark(ask) === asked && !write)) return;
      asked = mark(ask);
      const mine = ++turn;
      answering = Stir.ask(server.direct, ask, "words").then((answer) => {
        if (mine !== turn) return;
        if (!answer) agreed = null; // what is remembered may be what can't be understood
        const begun = ask.write && !write; // somebody has begun to type: nothing is written under their hands
        if (answer && !begun && mark(question()) === asked) take(answer, ask);
        else asked = "";
      });
    }
    function take({ motion, text, findings, promise: promised, told: telling, unplaced }, ask) {
      write = write && !ask.write;
      note.clear();
      agreed = { motion, text };
      asked = checked = mark({ ...ask, motion, text });
      memory.set("agreed", agreed);
      if (words.value !== text) put(text);
      memory.set("words", text);
      if (JSON.stringify(motion) !== JSON.stringify(ask.motion)) Stir.emit("heard", motion);
      const avoid = [...motion.negative_prompt.split(", "), ...unwanted.split(", ")].filter((one, at, all) => one && all.indexOf(one) === at).join(", ");
      unwanted = "";
      if (avoid !== ask.motion.negative_prompt) Stir.emit("avoid", avoid);
      check.paint(text, findings, promised.unseen);
      promise.paint(promised, ask.model);
      told.paint(Stir.card(ask.model), telling);
      Stir.tell("acted", { ...telling, unplaced });
    }

    for (const topic of ["camera", "effects", "slots", "output", "nowhere", "frame"]) Stir.on(topic, soon);
    Stir.on("slots", (slots) => (props.value = bare(slots)));
    /* A whole motion comes: from a recipe, from a motion to start from, or back by undo. */
    Stir.on("motion", () => {
      write = true;
      soon();
    });
    Stir.on("shot", ({ motion }) => Stir.emit("motion", motion));
    Stir.snapshot = () => ({ motion: built(), text: words.value, agreed });
    Stir.on("restore", ({ motion, text, agreed: before }) => {
      Stir.emit("motion", motion);
      Stir.emit("avoid", motion.negative_prompt);
      agreed = before; // what had not been heard yet is still to be heard
      words.value = text;
      hearTyping();
    });
    /* Back by undo, whole: what is still on its way is dropped. The caret goes where the words changed. */
    function back(before) {
      turn += 1;
      asked = "";
      ({ agreed, write } = before);
      memory.set("agreed", agreed);
      const [old, next] = [words.value, before.text];
      const shorter = Math.min(old.length, next.length);
      let [head, tail] = [0, 0];
      while (head < shorter && old[head] === next[head]) head += 1;
      while (tail < shorter - head && old.at(-1 - tail) === next.at(-1 - tail)) tail += 1;
      words.value = held = next;
      if (document.activeElement === words) words.setSelectionRange(next.length - tail, next.length - tail);
      memory.set("words", next);
      check.paint(next, null);
      soon();
    }
    /* The first sentence writes itself: that is no step. */
    Stir.history.register("words", { take: () => ({ text: held, agreed, write }), put: back, words: (before, after) => (before.text === after.text || (before.write && !before.text) ? "" : "words") });
    Stir.on("said", enter); // from the assistant: as if it had been typed
    Stir.on("refusal", (refusal) => refusal.where === "words" && note.show(refusal));
    words.value = held = memory.get("words", "");
    Stir.history.came("words");
    check.paint(words.value, null);
  };
})();
