/* What the photo is of, said by the user: a click finds the thing, the brush adds and takes away. Undo is the desk's own. */
(() => {
  const { h } = Stir;
  const TOOLS = [["pick", "Click it"], ["paint", "Add"], ["erase", "Take away"]];

  /* `here` answers the photo on the desk, `changed(png)` keeps what is marked of it ("" is automatic), `begins()` ends other tools. */
  Stir.subjectMark = ({ easel, stage, server, here, changed, begins }) => {
    let open = ""; // the photo it is open for
    let turn = 0;
    let shown = ""; // what the canvas shows, and of which photo
    const words = h("span", {});
    const button = h("button", { type: "button", class: "ghost", id: "mark-subject", "aria-pressed": "false", title: "Say what the photo is of, where Stir can’t tell", onclick: () => (open ? close() : begin()) }, words);
    const hint = h("p", { class: "why subject-hint", role: "status" });
    const brush = Stir.brush((png) => ((shown = here().id + png), changed(png)), () => close(), {
      tools: TOOLS, clear: "Automatic", pick,
      label: () => "The subject of the photo. Arrow keys move the place, Space marks what lies there.",
    });
    brush.canvas.classList.add("subject-canvas");
    const note = Stir.note();

    async function pick({ x, y }) {
      const photo = here();
      const mine = ++turn;
      note.clear();
      hint.textContent = "Looking what lies there…";
      easel.classList.add("looking");
      const answer = await Stir.ask(server.pick_subject, { photo: photo.id, mends: photo.mends, x: Stir.clamp(x, 0, 1), y: Stir.clamp(y, 0, 1) }, "subject");
      if (mine !== turn) return;
      easel.classList.remove("looking");
      if (photo !== here() || !answer) return say();
      changed(answer.subject);
      Stir.say("The subject is marked.");
    }
    function begin() {
      begins();
      open = here().id;
      easel.classList.add("painting");
      easel.append(brush.canvas, brush.ring);
      stage.after(brush.bar);
      brush.bar.after(hint, note.node);
      brush.open("Subject", here().width / here().height, here().subject);
      shown = here().id + here().subject;
      brush.choose("pick");
      Stir.tell("painting", "subject");
      paint();
    }
    function close() {
      if (!open) return;
      open = "";
      turn += 1;
      note.clear();
      const held = brush.bar.contains(document.activeElement) || brush.canvas === document.activeElement;
      for (const node of [brush.canvas, brush.ring, brush.bar, hint, note.node]) node.remove();
      easel.classList.remove("painting", "looking");
      Stir.tell("painting", null);
      paint();
      if (held) button.focus({ preventScroll: true });
    }
    function say() {
      hint.textContent = here()?.subject ? "It moves by itself, the crop is laid around it, and effects find it." : "Click on what the photo is of.";
    }
    function paint() {
      const photo = here();
      if (open && photo?.id !== open) close();
      button.setAttribute("aria-pressed", String(Boolean(open)));
      words.textContent = photo?.subject ? "Subject: marked" : "Subject";
      if (!open || !photo) return;
      const next = photo.id + photo.subject;
      if (next !== shown) brush.show(photo.subject);
      shown = next;
      say();
    }
    Stir.on("end-brush", close);
    Stir.on("brush", close); // an effect's
    Stir.on("refusal", (refusal) => refusal.where === "subject" && note.show(refusal));
    return { node: button, paint, close };
  };
})();
