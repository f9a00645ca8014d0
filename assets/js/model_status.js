/* What a model's card says and how the model stands on this machine, for every script that shows either. */
(() => {
  const { h } = Stir;

  /* What a card says, and how its model stands right now. Both are told once they are known. */
  Stir.card = (id) => (Stir.now("cards") ?? []).find((one) => one.id === id) ?? null;
  Stir.standing = (id) => (Stir.now("models")?.states ?? []).find((one) => one.id === id) ?? null;
  Stir.groupOf = (card) => Stir.standing(card.id)?.group ?? (card.local ? "download" : card.ways.length ? "hosted" : "ready");
  Stir.facts = (card) => (Stir.standing(card.id)?.chips ?? [card.where, card.licence]).map((words) => h("span", { class: "fact" }, words));
  Stir.fallback = () => (Stir.now("cards") ?? []).find((one) => Stir.groupOf(one) === "ready") ?? Stir.now("cards")[0];

  /* The hosted services, and whether one of them may be used. */
  Stir.services = () => Stir.now("models")?.services ?? [];
  Stir.hasToken = () => Stir.services().some((one) => one.token);
  Stir.hostedWords = () => {
    const stand = Stir.services().some((one) => one.stand_in) ? "These services are a stand-in on this computer: nothing is sent, nothing is billed. " : "";
    return stand + "They run on their makers' machines and cost money. Every clip shows its price first, and nothing leaves this computer before you agree.";
  };

  Stir.gauge = () => Stir.now("models")?.gauge ?? { words: "", full: "", plainly: "", gpu: false, kernels: [] };

  /* How the models stand, and what the page begins with, for whoever shows it. */
  Stir.tellModels = (status) => {
    if (JSON.stringify(status.defaults) !== JSON.stringify(Stir.now("defaults"))) Stir.tell("defaults", status.defaults);
    Stir.tell("models", status);
  };
})();
