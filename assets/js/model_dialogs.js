/* The questions before something large is fetched, adopted or deleted. Nothing touches the network before its button. */
(() => {
  const { h } = Stir;
  Stir.gigabytes = (megabytes) => (megabytes >= 1000 ? (megabytes / 1000).toFixed(1) + " GB" : Math.round(megabytes) + " MB");
  Stir.span = (seconds) => (seconds < 90 ? Number(seconds.toPrecision(3)) + " s" : (seconds / 60).toFixed(seconds < 600 ? 1 : 0) + " min");

  Stir.modelDialogs = (server) => {
    const title = h("h2", {});
    const body = h("div", { class: "ask-body" });
    const no = Stir.button("Cancel", { class: "ghost", onclick: () => node.close() });
    const yes = Stir.button("Yes", { id: "confirm-model" });
    const node = h("dialog", { class: "ask wide", "aria-labelledby": "model-ask" }, title, body, h("div", { class: "row end" }, no, yes));
    let does = () => {};
    title.id = "model-ask";
    yes.addEventListener("click", () => does());
    node.addEventListener("click", (event) => event.target === node && node.close());

    function ask(words, content, label, run, kind = "solid") {
      title.textContent = words;
      body.replaceChildren(...content);
      yes.className = kind;
      yes.lastChild.textContent = label;
      yes.hidden = !label;
      yes.disabled = false;
      no.lastChild.textContent = label ? "Cancel" : "Close";
      does = run;
      if (!node.open) node.showModal();
    }
    const say = (...words) => h("p", {}, ...words);
    const wrong = ({ reason, remedy }) => h("div", { class: "note", role: "alert" }, Stir.icon("alert"), h("p", {}, h("strong", {}, reason), " " + (remedy || "")));
    /* Asked here, so that a refusal is shown here. */
    async function call(what, value) {
      const answer = await what(value).catch(() => ({ refusal: { reason: "The studio did not answer.", remedy: "See that it still runs, then try again." } }));
      return answer ?? {};
    }
    const chain = (run) => async () => {
      yes.disabled = true;
      const { refusal } = await run();
      yes.disabled = false;
      if (!refusal) return node.close();
      body.querySelector(".note")?.remove();
      body.append(wrong(refusal));
    };
    return {
      node,
      /* What a download takes is asked of the hub; only then can it be begun. */
      async fetch(card) {
        ask("Download " + card.title, [say("Asking the hub how large it is…")], "", () => {});
        const quote = await call(server.quote_model, { id: card.id });
        if (!node.open) return;
        if (quote.refusal) return ask("Download " + card.title, [wrong(quote.refusal)], "", () => {});
        const row = (name, words) => (words ? [h("dt", {}, name), h("dd", {}, words)] : []);
        const facts = h("dl", { class: "recipe" }, ...row("To fetch", `${quote.missing} in ${quote.files} files${quote.resumes ? `, of ${quote.total} in all` : ""}`), ...row("Free here", quote.free), ...row("From", quote.repo), ...row("Licence", quote.licence), ...row("Limits", quote.limits), ...row("Gate", quote.gated ? "Its makers ask you to agree on its page first." : ""));
        if (quote.refused) return ask("Download " + card.title, [facts, wrong({ reason: quote.refused, remedy: quote.remedy })], "", () => {});
        ask("Download " + card.title, [facts, say("It goes on while you work. Stopped, it resumes where it was.")], "Download " + quote.missing, chain(() => call(server.download_model, { id: card.id })));
        yes.focus();
      },
      adopt(card) {
        const path = h("input", { type: "text", class: "path", "aria-label": "Folder", placeholder: "/data/models/…", spellcheck: false, autocomplete: "off" });
        const run = chain(() => call(server.adopt_model, { id: card.id, folder: path.value }));
        path.addEventListener("keydown", (event) => event.key === "Enter" && run());
        ask("Use a folder for " + card.title, [say("The folder that holds its files, with model_index.json in it. It is used as it is, and never changed or deleted."), path], "Use it", run);
        path.focus();
      },
      convert(card, state) {
        ask(`Convert the weights of ${card.title}?`, [say("They are published in float32 and run in a shorter dtype, to which every load casts them. Converted once, they load faster and make the same clips, bit for bit."), say(`On the disk: ${state.on_disk} now, about ${state.spared} less then. What was published is deleted once the copy has been checked, and can be downloaded again.`)], "Convert", chain(() => call(server.convert_model, { id: card.id })));
        no.focus();
      },
      bin(card, state) {
        ask(`Delete ${card.title} from disk?`, [say(`${state.on_disk} will be freed. Files that another model needs stay. It can be downloaded again.`)], "Delete", chain(() => call(server.delete_model, { id: card.id })), "danger");
        no.focus();
      },
    };
  };
})();
