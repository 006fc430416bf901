// What the page does besides its charts: meanings of words in place, one observable at a time, all on paper.
(() => {
  const box = document.getElementById("meaning");
  let shown = null;
  const hide = () => { box.hidden = true; shown = null; };
  const show = (term) => {
    const meaning = document.querySelector(`${term.hash} dd`);
    if (!meaning) return;
    box.textContent = meaning.textContent;
    box.hidden = false;
    shown = term;
    const at = term.getBoundingClientRect(), wide = document.documentElement.clientWidth;
    box.style.left = `${scrollX + Math.max(8, Math.min(at.left, wide - box.offsetWidth - 8))}px`;
    box.style.top = `${scrollY + at.bottom + 6}px`;
  };
  for (const term of document.querySelectorAll("a.term")) {
    term.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") show(term); });
    term.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
    term.addEventListener("focus", () => show(term));
    term.addEventListener("blur", hide);
    term.addEventListener("click", (event) => { event.preventDefault(); show(term); });
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("click", (event) => { if (shown && !shown.contains(event.target)) hide(); });

  // One observable at a time; a link to another shows it.
  const choice = document.querySelector("#choice select");
  if (choice) {
    const parts = [...document.querySelectorAll("#observables > .observable")];
    const only = (id) => {
      choice.value = id;
      parts.forEach((part) => part.classList.toggle("aside", part.id !== id));
    };
    choice.addEventListener("change", () => only(choice.value));
    addEventListener("hashchange", () => {
      const wanted = parts.find((part) => `#${part.id}` === location.hash);
      if (wanted) { only(wanted.id); wanted.scrollIntoView(); }
    });
    document.getElementById("choice").hidden = false;
    const first = parts.find((part) => `#${part.id}` === location.hash) || parts[0];
    only(first.id);
  }

  // A link into what is folded unfolds it.
  const unfold = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();

  // On paper nothing can be unfolded; afterwards all is as it was.
  const folded = [];
  const open = () => {
    document.querySelectorAll("details:not([open])").forEach((d) => { d.open = true; folded.push(d); });
    document.querySelectorAll("img[loading=lazy]").forEach((image) => { image.loading = "eager"; });
  };
  const close = () => { while (folded.length) folded.pop().open = false; };
  const paper = matchMedia("print");
  paper.addEventListener("change", () => (paper.matches ? open() : close()));
  addEventListener("beforeprint", open);
  addEventListener("afterprint", close);
})();
