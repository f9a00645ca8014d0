/* Things around the photo: files dropped anywhere on the page, and the depth fold. */
(() => {
  const { h, file } = Stir;

  /* Parts that take files themselves while they are in front: {inFront(), words: [title, line], take(transfer)}. */
  Stir.dropRooms = [];
  Stir.dropAnywhere = (take) => {
    const WORDS = ["Drop it", "A photo, to animate it. A clip made here, to bring its settings back."];
    const [title, words] = [h("strong"), h("p")];
    const veil = h("div", { class: "veil", hidden: true }, h("div", {}, title, words));
    document.body.append(veil);
    let depth = 0;
    const room = () => Stir.dropRooms.find((one) => one.inFront());
    const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    addEventListener("dragenter", (event) => {
      if (!carries(event)) return;
      depth += 1;
      [title.textContent, words.textContent] = room()?.words ?? WORDS;
      veil.hidden = false;
    });
    addEventListener("dragleave", (event) => {
      if (carries(event) && --depth <= 0) (depth = 0), (veil.hidden = true);
    });
    Stir.on("dropped", () => ((depth = 0), (veil.hidden = true)));
    addEventListener("dragover", (event) => carries(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      depth = 0;
      veil.hidden = true;
      const other = room();
      other ? other.take(event.dataTransfer) : take([...event.dataTransfer.files]);
    });
  };

  /* The optional depth network: what it is, and the one button that fetches anything. `ready(bool)` once it is known. */
  Stir.depthModel = (server, ready = () => {}) => {
    const words = h("p", { class: "why" });
    const fetchIt = Stir.button("Download, 27 MB", { class: "solid depth-download" }, "down");
    const node = h("div", { class: "depth-model" }, words, fetchIt);
    const offer = "Depth Anything V2 reads depth better, above all indoors. It comes from huggingface.co once, only when you ask; afterwards it works offline.";
    const say = (answer, here) => {
      node.hidden = !answer.ready && !answer.offered;
      fetchIt.hidden = !answer.offered;
      words.textContent = answer.ready ? here || "Depth Anything V2 is here: " + answer.reason + "." : offer;
      // Still offered when it is here: its files may be damaged, which is found out when they are read.
      fetchIt.lastChild.textContent = answer.ready ? "Download again, 27 MB" : "Download, 27 MB";
      fetchIt.className = (answer.ready ? "ghost" : "solid") + " depth-download";
      ready(answer.ready);
    };
    const about = () => Stir.ask(server.depth_model, {}).then((answer) => answer && say(answer));
    fetchIt.addEventListener("click", async () => {
      fetchIt.disabled = true;
      words.textContent = "Downloading… this page stays usable.";
      const answer = await Stir.ask(server.download_depth, {});
      fetchIt.disabled = false;
      if (!answer) return about();
      say(answer, "Depth Anything V2 is here and is used from now on.");
      Stir.tell("depth-model", answer.ready);
    });
    about();
    return node;
  };

  /* View the depth, choose where it comes from, or replace it. */
  Stir.depthFold = (server, frame, owns, choose, note) => {
    const picture = h("img", { class: "depth-image", alt: "Depth of the crop: near things are light", hidden: true });
    const about = h("p", { class: "why" });
    const input = h("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", id: "depth-input", accept: "image/*,.tif,.tiff" });
    const source = Stir.menu("Depth from", [["auto", "Automatic"], ["builtin", "Built in"], ["anything", "Depth Anything V2"], ["photo", "The photo’s own"], ["map", "A depth map…"]], "auto", (next) => (next === "map" ? input.click() : choose(next), view()), { id: "depth-source" });
    const another = Stir.button("Another map", { class: "ghost", hidden: true, onclick: () => input.click() });
    const body = h("div", { class: "fold-body" }, picture, about, h("div", { class: "row" }, h("label", { class: "inline" }, h("span", {}, "From"), source), another), input);
    const fold = Stir.fold("Depth", body);
    let shown = "";
    async function view() {
      const ask = frame();
      if (!ask) return false;
      source.value = ["auto", "builtin", "anything", "photo"].includes(ask.depth) ? ask.depth : "map";
      source.querySelector("[value=photo]").disabled = !owns();
      another.hidden = source.value !== "map";
      if (!fold.open || JSON.stringify(ask) === shown) return true;
      shown = JSON.stringify(ask);
      about.textContent = "Reading the depth…";
      const answer = await Stir.ask(server.depth_view, ask, "photo");
      if (!answer) return (picture.hidden = true), (about.textContent = ""), false;
      picture.src = file(answer.path);
      picture.hidden = false;
      about.textContent = answer.choices.map((one) => `${one.what[0].toUpperCase()}${one.what.slice(1)}: ${one.value}, ${one.reason}.`).join(" ");
      return true;
    }
    input.addEventListener("change", async () => {
      const [one] = input.files;
      input.value = "";
      if (!one) return;
      const before = frame();
      const answer = await Stir.ask(Stir.carry(one, server.take_depth), { name: one.name }, "photo");
      if (!answer || !before) return view();
      note.clear();
      choose(answer.depth);
      if (!(await view()) && frame()?.photo === before.photo) choose(before.depth); // it doesn't fit this photo
    });
    input.addEventListener("cancel", view);
    fold.addEventListener("toggle", () => {
      if (fold.open && !body.querySelector(".depth-model")) body.append(Stir.depthModel(server, (here) => ((source.options[2].disabled = !here), view())));
      view();
    });
    Stir.on("depth-model", () => ((shown = ""), view()));
    return { node: fold, stale: Stir.later(view, 600) };
  };
})();
