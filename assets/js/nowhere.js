/* Effects that find no place in the photo: asked once the draft has settled, said where the effect was asked for, the brush one press
   away. What is known is told as "nowhere": {unplaced: [{effect, region, why, says}], moves}. */
(() => {
  const { h } = Stir;

  /* The silent part: it asks with the desk, and hands the answer on. */
  Stir.parts.places = ({ props, trigger, watch }) => {
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

  /* The same under the sentence, for what its words have asked for; what waits for the brush is among what the check finds. */
  Stir.noPlaces = () => {
    const node = h("div", { class: "no-places", role: "status", hidden: true });
    function paint() {
      const asked = [...(Stir.now("worded") ?? []), ...(Stir.now("acted")?.implied ?? [])];
      const painted = (Stir.now("effects") ?? []).filter((effect) => effect.region === "brush").map((effect) => effect.name);
      const lost = (Stir.now("nowhere")?.unplaced ?? []).filter((one) => one.why !== "unpainted" && asked.includes(one.effect) && (one.region === "brush" || !painted.includes(one.effect)));
      Stir.redraw(node, () => node.replaceChildren(...lost.map((one) => Stir.noPlace(one))));
      node.hidden = !lost.length;
    }
    for (const topic of ["nowhere", "effects", "acted"]) Stir.on(topic, paint);
    return node;
  };
})();
