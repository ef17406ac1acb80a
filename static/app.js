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
      button.textContent = "Asking JIT…";
      note.textContent = `JIT is being asked. ${note.textContent}`;
      sessionStorage.setItem("scrolled", String(scrollY));
    });
  }

  // After Refresh the answer is where reading goes on; the page stays where it was, if that shows it.
  if (location.hash === "#ftps-message" || location.hash === "#notice") {
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
  if (new URLSearchParams(location.search).has("notice")) {
    history.replaceState(null, "", location.pathname);
  }
})();
