/* The end box: a second part of the photo, which the clip ends on exactly. For models that can go from one box to another. */
(() => {
  const { h } = Stir;
  const FIRST = 0.6; // of the crop's sides, about its middle: a way in

  /* `here` answers the photo on the desk, whose `end` is a box in fractions or null; `changed(box)` keeps one or takes it away. */
  Stir.endBox = ({ easel, start, here, changed }) => {
    const words = h("span", {});
    const button = h("button", { type: "button", class: "ghost", id: "end-box", "aria-pressed": "false", title: "A second part of the photo: the clip goes from the one exactly to the other", onclick: press }, words);
    const hint = h("p", { class: "why end-hint", hidden: true }, "The clip goes from Start exactly to End. The boxes stand in for the camera's moves; handheld and effects are added.");
    const frame = Stir.cropFrame((rect) => changed(rect), () => changed(first()), { kind: "end-box", title: "End box", remove: () => press() });
    const tags = [h("i", { class: "box-tag" }, "Start"), h("i", { class: "box-tag" }, "End")];
    start.append(tags[0]);
    frame.node.append(tags[1]);
    frame.node.hidden = tags[0].hidden = true;

    const able = () => Boolean(Stir.card(Stir.now("output")?.model)?.supports.includes("end_crop"));
    function first() {
      const { x, y, w, h: tall } = here().crop;
      return { x: x + (w * (1 - FIRST)) / 2, y: y + (tall * (1 - FIRST)) / 2, w: w * FIRST, h: tall * FIRST };
    }
    function press() {
      const adding = !here().end;
      changed(adding ? first() : null);
      if (adding) frame.node.focus({ preventScroll: true });
      else if (able()) button.focus({ preventScroll: true });
      Stir.say(adding ? "An end box is on the photo. Arrow keys move it, Delete removes it." : "The end box is gone.");
    }
    /* `ratio` is the crop's, `shape` the photo's, both width over height. Of two boxes the smaller lies on top. */
    function paint(ratio, shape) {
      const photo = here();
      const shown = Boolean(photo?.end) && able();
      button.hidden = !photo || !able();
      button.setAttribute("aria-pressed", String(shown));
      words.textContent = photo?.end ? "Remove end box" : "End box";
      frame.node.hidden = tags[0].hidden = hint.hidden = !shown;
      easel.classList.toggle("two-boxes", shown);
      if (!shown) return;
      frame.show({ ...photo.end }, photo.crop.aspect, ratio, shape);
      const above = photo.end.w > photo.crop.w;
      start.style.zIndex = above ? 2 : 1;
      frame.node.style.zIndex = above ? 1 : 2;
    }
    return { node: button, frame: frame.node, hint, paint, say: frame.say };
  };
})();
