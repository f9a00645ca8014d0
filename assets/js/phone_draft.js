/* On a phone the draft stays in sight while the motion is chosen: small, at the top, and folded away by a press. */
(() => {
  const { h, icon, file, memory } = Stir;
  const narrow = matchMedia("(max-width: 760px)");

  Stir.parts.phone_draft = ({ element }) => {
    const root = element.firstElementChild;
    const block = element.closest("#peek");
    let folded = memory.get("peek-folded", false);
    let path = "";
    const still = h("img", { alt: "", draggable: "false", class: "peek-still" });
    const draft = h("video", { class: "peek-film", muted: true, loop: true, playsinline: true, tabindex: "-1", "aria-label": "Draft of the camera path", hidden: true });
    const stage = h("div", { class: "peek-stage" }, still, draft);
    const words = h("span", { class: "peek-words" }, "Draft");
    const fold = h("button", { type: "button", class: "ghost tiny peek-fold", onclick: () => (memory.set("peek-folded", (folded = !folded)), paint()) }, icon("chevron"));
    root.append(stage, words, fold);

    function paint() {
      const frame = Stir.now("frame");
      block.classList.toggle("empty", !frame || !narrow.matches);
      block.classList.toggle("folded", folded);
      stage.hidden = folded;
      fold.setAttribute("aria-expanded", String(!folded));
      fold.setAttribute("aria-label", folded ? "Show the draft" : "Fold the draft away");
      draft.hidden = !path;
      if (!frame || !narrow.matches || folded) return draft.pause();
      stage.style.setProperty("--shape", Stir.cut(still, frame));
      if (path && draft.dataset.path !== path) (draft.src = file(path)), (draft.dataset.path = path);
      if (path && !Stir.calm()) draft.play().catch(() => {});
    }
    /* What has the keyboard is never under it. */
    new ResizeObserver(() => document.documentElement.style.setProperty("--peek", block.offsetHeight + "px")).observe(block);
    narrow.addEventListener("change", paint);
    Stir.on("draft-asked", () => (words.textContent = "Drawing…"));
    Stir.on("draft", (value) => {
      words.textContent = value.kind === "refusal" ? "No draft" : "Draft";
      path = value.kind === "refusal" ? "" : value.path;
      paint();
    });
    Stir.on("frame", () => ((path = ""), paint()));
    paint();
  };
})();
