/** Put a dialog, or what else stands over the page, where the page's own font and styles reach. */
export function over(element) {
  (document.querySelector(".gradio-container") ?? document.body).append(element);
}
