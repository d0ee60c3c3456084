// Ctrl+Enter paints, Escape stops. An open dialog or list keeps its own Escape.

const OPEN = "dialog[open], [role=combobox][aria-expanded=true]";

export function shortcuts({ generate, stop }) {
  document.body.classList.toggle("mac", /Mac|iPhone|iPad/.test(navigator.platform));
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.defaultPrevented || event.isComposing) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation();
        commit();
        // Gradio takes over what was typed a moment after the event.
        setTimeout(generate, 60);
      } else if (event.key === "Escape" && !document.querySelector(OPEN)) {
        stop();
      }
    },
    { capture: true },
  );
}

function commit() {
  const focused = document.activeElement;
  if (!focused?.matches("input, textarea")) return;
  focused.dispatchEvent(new Event("input", { bubbles: true }));
  focused.dispatchEvent(new Event("change", { bubbles: true }));
  // A list takes what was typed into it when it is left.
  if (focused.getAttribute("role") === "combobox") focused.blur();
}
