// What a browser with scripts does better; every page works without.
(() => {
  "use strict";

  const form = document.getElementById("refresh");
  if (form) {
    const button = form.querySelector("button");
    const words = button.textContent;

    form.addEventListener("submit", (event) => {
      if (button.getAttribute("aria-disabled") === "true") {
        event.preventDefault();
        return;
      }
      button.setAttribute("aria-disabled", "true");
      button.textContent = "Asking JIT…";
    });

    // A page that the Back button brings out of the browser's memory asks nobody.
    window.addEventListener("pageshow", () => {
      button.removeAttribute("aria-disabled");
      button.textContent = words;
    });
  }

  // A run that is under way: only what is shown of it is replaced, and never under the reader's focus.
  const follow = async () => {
    const live = document.getElementById("live");
    if (!live?.hasAttribute("data-live")) {
      return;
    }
    if (!document.hidden && !live.contains(document.activeElement)) {
      try {
        const answer = await fetch(location.href, { redirect: "error" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const now = page.getElementById("live");
        if (answer.ok && now) {
          live.replaceWith(document.adoptNode(now));
        }
      } catch {
        // The program is away for a moment: what is shown stays, and is asked for again.
      }
    }
    setTimeout(follow, 2000);
  };
  setTimeout(follow, 2000);

  // After Refresh the answer is where reading goes on.
  if (location.hash === "#ftps-message" || location.hash === "#notice") {
    document.getElementById(location.hash.slice(1))?.focus();
  }

  // A notice is told once: loading the page again does not repeat it.
  const here = new URL(location.href);
  if (here.searchParams.has("notice")) {
    here.searchParams.delete("notice");
    history.replaceState(null, "", here.pathname + here.search);
  }
})();
