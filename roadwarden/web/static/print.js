// A page whose only act is to be printed.
document.getElementById("print")?.addEventListener("click", () => window.print());
