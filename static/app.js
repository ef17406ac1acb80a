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
