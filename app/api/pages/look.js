// Light or dark: as chosen in the studio, else as the system has it.
const chosenLook = localStorage.getItem("gesso.look");
const dark = chosenLook ? chosenLook === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
document.body.classList.toggle("dark", dark);
