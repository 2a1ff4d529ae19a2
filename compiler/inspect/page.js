// page.js: links the drawing, the source, the nests, the C and the memory of one layer with each other.
(function () {
  "use strict";
  var names = JSON.parse(document.getElementById("names").textContent), last = names.length - 1, current = -1;

  function sitesOf(element) {
    return (element.dataset.sites || element.dataset.site).split(" ").map(Number);
  }

  function show(pane) {
    var first = pane.querySelector(".on");
    if (!first) return;
    var box = first.getBoundingClientRect(), frame = pane.getBoundingClientRect();
    pane.scrollTop += box.top - frame.top - Math.max(44, Math.min(80, frame.height / 4));
  }

  function select(site, focus) {
    current = site;
    document.querySelectorAll("[data-site],[data-sites]").forEach(function (e) {
      var on = sitesOf(e).indexOf(site) >= 0;
      e.classList.toggle("on", on);
      if (e.classList.contains("node")) {
        e.setAttribute("aria-pressed", on);
        if (on && focus) e.focus({ preventScroll: true });
      }
    });
    document.querySelectorAll("[data-of]").forEach(function (e) { e.hidden = Number(e.dataset.of) !== site; });
    document.querySelectorAll("#drawing,.panes .card").forEach(show);
    document.getElementById("said").textContent = names[site];
    try { history.replaceState(null, "", "#" + names[site]); } catch (error) { }
  }

  // A line of a block that is used several times stands for several layers: each click takes the next one.
  function click(element) {
    var sites = sitesOf(element), at = sites.indexOf(current);
    select(sites[(at + 1) % sites.length], false);
  }

  document.addEventListener("click", function (event) {
    var element = event.target.closest("[data-site],[data-sites]");
    if (element && !String(getSelection())) click(element);
  });
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    var node = event.target.closest && event.target.closest(".node,.row");
    if ((event.key === "Enter" || event.key === " ") && node && (node.dataset.site || node.dataset.sites)) click(node);
    else if (event.key === "ArrowDown" || event.key === "j") select(Math.min(current + 1, last), true);
    else if (event.key === "ArrowUp" || event.key === "k") select(Math.max(current - 1, 0), true);
    else if (event.key === "Home") select(0, true);
    else if (event.key === "End") select(last, true);
    else return;
    event.preventDefault();
  });
  var wanted = names.indexOf(decodeURIComponent(location.hash.slice(1)));
  select(wanted >= 0 ? wanted : Math.min(1, last), false);
})();
