// What a browser with scripts does better; every page works without.
(() => {
  "use strict";

  // A page that the Back button brings out of the browser's memory is loaded anew: it may be out of
  // date, in the midst of a Refresh, or of somebody who has signed out.
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      location.reload();
    }
  });

  const form = document.getElementById("refresh");
  if (form) {
    const button = form.querySelector("button");
    const note = document.getElementById("refresh-note");

    form.addEventListener("submit", (event) => {
      if (button.getAttribute("aria-disabled") === "true") {
        event.preventDefault();
        return;
      }
      button.setAttribute("aria-disabled", "true");
      button.textContent = button.dataset.busy;
      note.textContent = `${button.dataset.busyNote} ${note.textContent}`;
      sessionStorage.setItem("scrolled", String(scrollY));
    });
  }

  // What a page asks for by itself is no use of the session: it bears a mark, and once the session has ended
  // the page leads to the sign-in.
  const POLLED = { redirect: "manual", headers: { "X-Polled": "1" } };
  const hasEnded = (answer) => answer.type === "opaqueredirect";

  // A run that is under way: the parts of the page that tell of it are replaced, each while the
  // reader's focus is elsewhere. What was opened stays open.
  const isBeingRead = (part) => part.contains(document.activeElement);
  const replace = (part, now) => {
    const opened = [...part.querySelectorAll("details")].map((details) => details.open);
    now.querySelectorAll("details").forEach((details, place) => {
      details.open = opened[place] ?? false;
    });
    part.replaceWith(document.adoptNode(now));
  };
  const follow = async () => {
    const parts = [...document.querySelectorAll("[data-live]")];
    if (parts.length === 0) {
      return;
    }
    if (!document.hidden && !parts.every(isBeingRead)) {
      try {
        const answer = await fetch(location.href, POLLED);
        if (hasEnded(answer)) {
          location.reload();
          return;
        }
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of answer.ok ? parts : []) {
          const now = page.getElementById(part.id);
          // The focus may have come to it while the answer was on its way.
          if (now && !isBeingRead(part)) {
            replace(part, now);
          }
        }
      } catch {
        // The program is away for a moment: what is shown stays, and is asked for again.
      }
    }
    setTimeout(follow, 2000);
  };
  setTimeout(follow, 2000);

  // A call that is under way: once it is over, the page is loaded again, and reading goes on at the answer.
  const awaitAnswer = async () => {
    try {
      const answer = await fetch(location.pathname, POLLED);
      if (hasEnded(answer)) {
        location.reload();
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.ok && !page.querySelector(".under-way")) {
        history.replaceState(null, "", `${location.pathname}#ftps-message`);
        location.reload();
        return;
      }
    } catch {
      // The program is away for a moment.
    }
    setTimeout(awaitAnswer, 2000);
  };
  if (document.querySelector(".under-way")) {
    setTimeout(awaitAnswer, 2000);
  }

  // Numbers that are asked for elsewhere can be copied.
  const words = document.querySelector("main")?.dataset ?? {};
  const copied = async (token, button) => {
    try {
      await navigator.clipboard.writeText(token.textContent);
    } catch {
      // Without a clipboard of its own (plain http) the page marks the number and copies what is marked.
      getSelection().selectAllChildren(token);
      document.execCommand("copy");
    }
    button.title = words.copied;
    button.setAttribute("aria-label", `${words.copied}: ${token.textContent}`);
  };
  for (const token of document.querySelectorAll(".token[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = words.copy;
    button.setAttribute("aria-label", `${words.copy}: ${token.textContent}`);
    button.innerHTML =
      '<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="M9 9h11v11H9zM5 15H4V4h11v1"/></svg>';
    button.addEventListener("click", () => copied(token, button));
    token.after(button);
  }

  // Marks every row of the list at once.
  const all = document.querySelector("[data-marks]");
  if (all) {
    const marks = [...document.querySelectorAll(`tbody input[name=${all.dataset.marks}]`)];
    all.closest("label").hidden = false;
    all.addEventListener("change", () => marks.forEach((mark) => (mark.checked = all.checked)));
  }

  // After Refresh the answer is where reading goes on; the page stays where it was, if that shows it.
  if (["#ftps-message", "#notice", "#note-fault", "#found"].includes(location.hash)) {
    const answer = document.getElementById(location.hash.slice(1));
    const scrolled = sessionStorage.getItem("scrolled");
    answer?.focus({ preventScroll: scrolled !== null });
    if (answer && scrolled !== null) {
      sessionStorage.removeItem("scrolled");
      addEventListener("load", () => {
        // Scrolling, if only by a pixel, keeps the browser from going to what the address names.
        scrollTo(0, Number(scrolled) + 1);
        scrollTo(0, Number(scrolled));
        if (answer.getBoundingClientRect().top < 0) {
          answer.scrollIntoView();
        }
      });
    }
  }

  // A notice is told once: loading the page again does not repeat it.
  const here = new URL(location.href);
  if (here.searchParams.has("notice")) {
    here.searchParams.delete("notice");
    here.searchParams.delete("at");
    history.replaceState(null, "", here.pathname + here.search);
  }
})();
