(function () {
  "use strict";
  var find = document.getElementById("find");
  var order = document.getElementById("order");
  var found = document.getElementById("found");
  var cards = Array.prototype.slice.call(document.querySelectorAll("article"));
  if (cards.length < 2) { return; }
  document.querySelector(".tools").hidden = false;
  function filter() {
    var wanted = find.value.trim().toLowerCase();
    var shown = 0;
    cards.forEach(function (card) {
      card.hidden = card.dataset.name.indexOf(wanted) < 0 && card.dataset.type !== wanted;
      shown += card.hidden ? 0 : 1;
    });
    found.textContent = shown + " of " + cards.length;
  }
  function sort() {
    var key = order.value;
    var home = cards[0].parentNode;
    cards.slice().sort(function (a, b) {
      if (key === "missing") { return b.dataset.missing - a.dataset.missing; }
      if (key === "place") { return a.dataset.place - b.dataset.place; }
      return a.dataset[key].localeCompare(b.dataset[key]);
    }).forEach(function (card) { home.appendChild(card); });
  }
  find.addEventListener("input", filter);
  order.addEventListener("change", sort);
  filter();
}());
