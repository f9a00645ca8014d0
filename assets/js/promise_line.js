/* The line under the sentence, always open: what will be seen of it and what won't, with one press to a model that can show it, to
   strike it out, or to paint where it happens. */
(() => {
  const { h } = Stir;
  const WHY = {
    acts: "The camera, the air and the light move; nobody and nothing acts by itself",
    look: "The photo keeps its own look, colours and time of day",
    letters: "No letters are drawn",
    unread: "These words aren't understood",
    place: "Nobody knows yet where on the photo it happens",
    control: "This model can't be told what moves",
    loop: "This model can't end where it began",
    avoid: "This model isn't told what to avoid",
    boxes: "The clip goes from the start box to the end box; other moves are set aside",
  };
  const READERS = ["acts", "look", "unread", "control"];

  /* The first model that reads words, of those that stand nearest: ready here, to be downloaded, or out of reach. */
  function reader(chosen) {
    const able = (Stir.now("cards") ?? []).filter((one) => one.supports.includes("prompt") && one.id !== chosen);
    for (const group of ["ready", "download", "out"]) {
      const found = able.find((one) => Stir.groupOf(one) === group);
      if (found) return { card: found, group, state: Stir.standing(found.id) };
    }
    return null;
  }

  /* `strike(sentence)` takes the sentence without what won't be seen; `paint(effect)` begins to paint a place. */
  Stir.promiseLine = ({ strike, paint }) => {
    const node = h("div", { class: "promise", id: "promise", hidden: true });
    let shown = null;
    let model = "";

    const list = (words) => words.flatMap((one, at) => [at ? ", " : "", one]);
    const gone = (one) => h("span", { class: "wont", "data-why": one.why, title: WHY[one.why] }, one.words);
    const line = (lead, what, ...parts) => h("p", { "data-promise": what }, h("span", { class: "promise-lead" }, lead), " ", ...parts);
    const press = (label, what, onclick, title = null) => Stir.button(label, { class: "ghost", "data-promise-press": what, title, onclick });

    function presses(wont) {
      const found = [];
      if (shown.without) found.push(press(wont.length === 1 ? "Leave it out" : "Leave them out", "strike", () => strike(shown.without), shown.without));
      const next = wont.some((one) => READERS.includes(one.why)) ? reader(model) : null;
      if (next?.group === "ready") found.push(press("Use " + next.card.title, "model", () => Stir.emit("use-model", next.card.id), next.card.summary));
      else if (next?.group === "download") found.push(press(`Use ${next.card.title}, after a download`, "model", () => Stir.emit("use-model", next.card.id), next.state?.files ?? null));
      else if (next) found.push(h("span", { class: "why", "data-promise-press": "none" }, `${next.card.title} could: ${next.state?.reason ?? "it is out of reach here"}`));
      return found;
    }
    function redraw() {
      if (!shown) return;
      const title = Stir.card(model)?.title ?? "The model";
      const wont = shown.unseen.filter((one) => one.why !== "place");
      const wait = shown.unseen.filter((one) => one.why === "place");
      const lines = [];
      lines.push(shown.told ? line(title, "seen", wont.length ? "is told your words, but for this:" : "is told all of it.") : shown.seen.length ? line("You’ll see:", "seen", shown.seen.join(", ") + ".") : null);
      if (wont.length) lines.push(line("You won’t:", "wont", ...list(wont.map(gone)), ". ", h("span", { class: "promise-presses" }, presses(wont))));
      if (wait.length) lines.push(line("Not yet:", "yet", ...list(wait.map(gone)), Stir.because(wait[0].effect) ? ": " + Stir.because(wait[0].effect) : "", ". ", h("span", { class: "promise-presses" }, press("Paint it", "paint", () => paint(wait[0].effect), "Say where on the photo it happens"))));
      if (shown.kept.length) lines.push(line("As in the photo:", "kept", shown.kept.join(", ") + "."));
      Stir.redraw(node, () => node.replaceChildren(...lines.filter(Boolean)));
      node.hidden = false;
    }
    for (const topic of ["models", "cards"]) Stir.on(topic, redraw);
    return {
      node,
      paint(promise, id) {
        const same = JSON.stringify([promise, id]) === JSON.stringify([shown, model]);
        [shown, model] = [promise, id];
        if (!same) redraw();
      },
    };
  };
})();
