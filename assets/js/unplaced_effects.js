/* Effects that find no place in the photo: asked once the draft has settled, said where the effect was asked for, the brush one press
   away. What is known is told as "nowhere": {unplaced: [{effect, region, why, says}], moves}. */
(() => {
  const { h } = Stir;

  /* The silent part: it asks with the desk, and hands the answer on. */
  Stir.parts.unplaced_effects = ({ props, trigger, watch }) => {
    let key = "";
    let photo = "";
    let drawing = false; // a draft is being drawn: it reads the photo that this looks at too
    const ask = Stir.later(() => {
      const [frame, camera, effects, slots, output] = ["frame", "camera", "effects", "slots", "output"].map(Stir.now);
      if (!frame || drawing) return;
      const { photo: id, crop, mends, subject } = frame;
      const next = JSON.stringify([id, crop, mends, subject, camera?.moves, camera?.then, effects, slots, output?.model]);
      if (next === key) return;
      key = next;
      trigger("places");
    }, 400);
    for (const topic of ["camera", "effects", "slots", "output"]) Stir.on(topic, ask);
    Stir.on("frame", (frame) => {
      if (frame?.photo !== photo) Stir.tell("nowhere", { unplaced: [], moves: true });
      photo = frame?.photo;
      ask();
    });
    Stir.on("draft-asked", () => (drawing = true));
    Stir.on("draft", () => ((drawing = false), ask()));
    watch("value", () => props.value?.kind === "places" && Stir.tell("nowhere", props.value));
  };

  /* What is said of one effect, with the way to the brush. */
  Stir.noPlace = (one, button = true) => h("p", { class: "no-place", "data-effect": one.effect }, h("span", {}, one.says), button ? Stir.button("Paint it", { class: "ghost tiny-text", onclick: () => Stir.emit("paint-effect", one.effect) }, "brush") : null);

  /* Why an effect has no place here, in a few words; "" where it has one or nobody knows. */
  Stir.because = (name) => (Stir.now("nowhere")?.unplaced ?? []).find((one) => one.effect === name)?.because ?? "";
})();
