/* What the photo is of: the phone's portrait matte where it brought one, or what the user says. A click finds the thing, the brush
   adds and takes away. Undo is the desk's own. */
(() => {
  const { h } = Stir;
  const TOOLS = [["pick", "Click it"], ["paint", "Add"], ["erase", "Take away"]];

  /* A photo's `subject`: "" is automatic (the phone's matte unless it is doubted), "photo" that matte, "builtin" without it, else a mask. */
  const isMask = (photo) => !["", "photo", "builtin"].includes(photo.subject);
  const usesMatte = (photo) => Boolean(photo.own_matte) && (photo.subject === "photo" || (photo.subject === "" && !photo.matte_doubted));

  /* `here` answers the photo on the desk, `changed(png)` keeps what is marked of it ("" is automatic), `begins()` ends other tools. */
  Stir.subjectMark = ({ easel, stage, server, here, changed, begins }) => {
    let open = ""; // the photo it is open for
    let turn = 0;
    let shown = ""; // what the canvas shows, and of which photo
    const mattes = new Map(); // the phones' mattes by their photos, small, as the canvas shows them
    const words = h("span", {});
    const button = h("button", { type: "button", class: "ghost", id: "mark-subject", "aria-pressed": "false", title: "Say what the photo is of, where Stir can’t tell", onclick: () => (open ? close() : begin()) }, words);
    const hint = h("p", { class: "why subject-hint", role: "status" });
    const source = Stir.menu("Subject from", [["own", "The phone’s matte"], ["found", "Found by Stir"], ["mask", "Your mark"]], "own", (next) => choose(next), { id: "subject-source" });
    const from = h("label", { class: "inline" }, h("span", {}, "From"), source);
    const brush = Stir.brush((png) => ((shown = png ? here().id + png : ""), changed(png), paint()), () => close(), {
      tools: TOOLS, clear: "Automatic", pick,
      label: () => "The subject of the photo. Arrow keys move the place, Space marks what lies there.",
    });
    brush.canvas.classList.add("subject-canvas");
    const note = Stir.note();
    brush.bar.children[0].after(from);

    /* What the canvas shows of a photo, as a PNG; the phone's matte once it has come. */
    function maskOf(photo) {
      if (isMask(photo)) return photo.subject;
      if (!usesMatte(photo)) return "";
      if (!mattes.has(photo.own_matte)) {
        mattes.set(photo.own_matte, "");
        Stir.ask(server.own_subject, { id: photo.id }, "subject").then((answer) => answer && (mattes.set(photo.own_matte, answer.subject), paint()));
      }
      return mattes.get(photo.own_matte);
    }
    function choose(next) {
      const photo = here();
      if (next === "own") changed(photo.matte_doubted ? "photo" : "");
      if (next === "found") changed(photo.matte_doubted ? "" : "builtin");
      paint();
    }
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
      const mask = maskOf(here());
      brush.open("Subject", here().width / here().height, mask);
      shown = here().id + mask;
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
      const photo = here();
      const known = usesMatte(photo) ? "The phone’s portrait matte says what the photo is of." : photo?.subject && isMask(photo) ? "" : "Click on what the photo is of.";
      hint.textContent = known || "It moves by itself, the crop is laid around it, and effects find it.";
      from.hidden = !photo.own_matte;
      source.querySelector("[value=mask]").hidden = !isMask(photo);
      source.value = isMask(photo) ? "mask" : usesMatte(photo) ? "own" : "found";
    }
    function paint() {
      const photo = here();
      if (open && photo?.id !== open) close();
      button.setAttribute("aria-pressed", String(Boolean(open)));
      words.textContent = !photo ? "Subject" : isMask(photo) ? "Subject: marked" : usesMatte(photo) ? "Subject: the phone’s" : "Subject";
      if (!open || !photo) return;
      const mask = maskOf(photo);
      const next = photo.id + mask;
      if (next !== shown) brush.show(mask);
      shown = next;
      say();
    }
    Stir.on("end-brush", close);
    Stir.on("brush", close); // an effect's
    Stir.on("refusal", (refusal) => refusal.where === "subject" && note.show(refusal));
    return { node: button, paint, close };
  };
})();
