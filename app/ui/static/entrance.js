// The first script of the page, placed inside it before any of Gradio's: what the artist chose
// wins over what the browser says. Choices are kept per browser; without one the system decides.

(() => {
  const page = document.documentElement;
  const known = document.currentScript.dataset.languages.split(" ");

  function chosen(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // the browser keeps nothing for this site
    }
  }

  const wishes = [chosen("gesso.language"), ...navigator.languages];
  const codes = wishes.map((tag) => String(tag).split("-")[0]);
  const language = codes.find((code) => known.includes(code)) ?? "en";
  page.lang = language;
  // Gradio has no setting for its language: it asks the browser.
  Object.defineProperties(navigator, {
    language: { get: () => language, configurable: true },
    languages: { get: () => [language], configurable: true },
  });

  const system = matchMedia("(prefers-color-scheme: dark)");

  function light() {
    const look = chosen("gesso.look") ?? (system.matches ? "dark" : "light");
    page.dataset.look = look;
    // Gradio's components read a class of the body, which Gradio sets as the system wants it.
    document.body?.classList.toggle("dark", look === "dark");
  }

  light();
  system.addEventListener("change", light);
  addEventListener("storage", light);
  document.addEventListener("gesso:look", light);
  const waiting = new MutationObserver(() => {
    if (!document.body) return;
    waiting.disconnect();
    light();
    new MutationObserver(light).observe(document.body, { attributeFilter: ["class"] });
  });
  waiting.observe(page, { childList: true });
})();
