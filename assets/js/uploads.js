/* Taking in: files one after the other, each refused by its name, and how far that is. */
(() => {
  const { h } = Stir;

  /* adopt(photo, first) and adoptShot(answer) with what has arrived; `note` holds what was refused. */
  Stir.uploads = ({ root, server, limit, endings, note, adopt, adoptShot }) => {
    const most = `${Math.round(limit / 1e6)} MB`;
    let among = ""; // the file being taken in, when it is one of several
    let queue = Promise.resolve(); // files dropped while others are taken in wait for them
    const line = h("p", { class: "intake-line", role: "status", hidden: true });
    const input = h("input", { type: "file", multiple: true, class: "unseen", tabindex: "-1", "aria-hidden": "true", id: "photo-input", accept: ["image/*", ...endings, ".mp4", ".webm", ".json"].join() });
    input.addEventListener("change", () => (take([...input.files]), (input.value = "")));

    let taking = null; // the file whose answer is awaited

    /* What is left of a file that is cut short opens by a button in the refusal, which then goes: the keyboard's place is the photo. */
    const openLeft = (one) => take([one], true).then(() => root.querySelector(".crop-box").focus({ preventScroll: true }));
    const refuse = ({ reason, remedy, act }) => note.add({ reason: among && !reason.startsWith(among) ? `${among}: ${reason}` : reason, remedy, act });
    const take = (files, damaged = false) => (queue = queue.then(() => takeAll(files, damaged)));
    async function takeAll(files, damaged) {
      if (!damaged) note.clear(); // else the other refusals stay
      root.classList.add("busy");
      let count = 0; // of those that have arrived
      for (const [index, one] of files.entries()) {
        among = files.length > 1 ? one.name : "";
        line.textContent = files.length > 1 ? `Taking in ${index + 1} of ${files.length}` : "";
        line.hidden = files.length < 2;
        if (!index) Stir.say("Taking it in.");
        if (await takeOne(one, !count, damaged)) count++;
      }
      among = "";
      line.hidden = true;
      root.classList.remove("busy");
      if (files.length > 1) Stir.say(count < files.length ? `${count} of ${files.length} files taken in.` : `${count} files taken in.`);
    }
    /* True once something is on the desk. */
    async function takeOne(one, first, damaged) {
      const clip = /\.(mp4|webm|gif|webp)$/i.test(one.name);
      if (one.size > limit) return refuse({ reason: `${one.name} is ${Stir.bytes(one.size)}, over ${most}.`, remedy: clip ? "If it was made here, drop the .json that lies beside it in the library's folder." : "Save it smaller, as a JPEG for instance, and drop it again." });
      if (!one.size) return refuse({ reason: `${one.name} is empty.`, remedy: "Choose another file." });
      taking = one;
      const answer = await Stir.ask(Stir.carry(one, server.receive_file), { name: one.name, damaged }, "photo");
      taking = null;
      if (!answer) return false;
      if (answer.kind === "photo") adopt(answer.photo, first);
      else adoptShot(answer);
      return true;
    }
    Stir.on("refusal", (refusal) => {
      if (refusal.where !== "photo") return;
      const one = taking;
      const act = one && Stir.offer(refusal, () => openLeft(one));
      (among ? refuse : note.show)({ ...refusal, act });
    });
    return { input, line, take };
  };
})();
