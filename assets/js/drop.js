/* Things around the photo: files dropped anywhere on the page, and the depth fold. */
(() => {
  const { h, file } = Stir;

  Stir.dropAnywhere = (take) => {
    const veil = h("div", { class: "veil", hidden: true }, h("div", {}, h("strong", {}, "Drop it"), h("p", {}, "A photo, to animate it. A clip made here, to bring its settings back.")));
    document.body.append(veil);
    let depth = 0;
    const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    addEventListener("dragenter", (event) => {
      if (!carries(event)) return;
      depth += 1;
      veil.hidden = false;
    });
    addEventListener("dragleave", (event) => {
      if (carries(event) && --depth <= 0) (depth = 0), (veil.hidden = true);
    });
    addEventListener("dragover", (event) => carries(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      depth = 0;
      veil.hidden = true;
      take([...event.dataTransfer.files]);
    });
  };

  /* View the depth, replace it, or go back to the studio's own. */
  Stir.depthFold = (server, upload, frame, choose, note) => {
    const picture = h("img", { class: "depth-image", alt: "Depth of the crop: near things are light", hidden: true });
    const about = h("p", { class: "why" });
    const input = h("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", accept: "image/*" });
    const own = Stir.button("Use the studio's own", { class: "ghost", hidden: true, onclick: () => (choose("auto"), view()) });
    const fold = Stir.fold(
      "Depth", h("div", { class: "fold-body" }, picture, about,
        h("div", { class: "row" }, Stir.button("Use a depth map…", { class: "ghost", onclick: () => input.click() }), own), input),
    );
    let shown = "";
    async function view() {
      const ask = frame();
      if (!ask || !fold.open || JSON.stringify(ask) === shown) return;
      shown = JSON.stringify(ask);
      about.textContent = "Reading the depth…";
      const answer = await Stir.ask(server.depth_view, ask, "photo");
      if (!answer) return (about.textContent = "");
      picture.src = file(answer.path);
      picture.hidden = false;
      own.hidden = ask.depth === "auto";
      about.textContent = answer.choices.map((one) => `${one.what}: ${one.value}, ${one.reason}`).join(". ");
    }
    input.addEventListener("change", async () => {
      const [one] = input.files;
      input.value = "";
      if (!one) return;
      const { path } = await upload(one).catch(() => ({ path: "" }));
      const answer = await Stir.ask(server.take_depth, { path, name: one.name }, "photo");
      if (answer) note.clear(), choose(answer.depth), view();
    });
    fold.addEventListener("toggle", view);
    return { node: fold, stale: Stir.later(view, 600) };
  };
})();
