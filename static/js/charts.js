// The usage page: three stacked charts from one set of numbers, renewed while somebody looks.
// Labels and the buckets' edges come from the server, in the viewer's zone; nothing here asks the browser's clock.
(function () {
  "use strict";
  var RENEW_MS = 4000;
  var root = document.getElementById("usage"), empty = document.getElementById("usage-empty");
  if (empty) {
    // nothing to draw yet: look out for the first call
    setInterval(function () {
      if (document.hidden) return;
      fetch(empty.dataset.url, { headers: { Accept: "application/json" }, credentials: "same-origin" })
        .then(function (answer) { return answer.ok && !answer.redirected ? answer.json() : null; })
        .then(function (found) { if (found && found.series.length) location.reload(); }, function () { /* later */ });
    }, RENEW_MS);
  }
  if (!root) return;
  var data = JSON.parse(document.getElementById("usage-data").textContent);
  var charts = {};

  // ---- how numbers are written
  function digits(value) { value = Number(value.toPrecision(3)); return value < 1 && value > 0 ? Math.min(9, 2 - Math.floor(Math.log10(value))) : 2; }
  function usd(nanousd) { var value = nanousd / 1e9; return "$" + value.toLocaleString("en", { minimumFractionDigits: digits(value), maximumFractionDigits: digits(value) }); }
  function compact(value) { return value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 3 }); }
  function whole(value) { return value.toLocaleString("en"); }
  function written(metric, value) { return metric === "cost" ? usd(value) : whole(value); }
  function onAxis(metric, value) { return metric === "cost" ? (value ? usd(value).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") : "$0") : compact(value); }

  // ---- colours: from the stylesheet, so that both themes have their own
  function colour(number, other) {
    return getComputedStyle(root).getPropertyValue(other ? "--xr-c0" : "--xr-c" + (number % 8 + 1)).trim();
  }
  function styled(name) { return getComputedStyle(root).getPropertyValue(name).trim(); }

  // ---- uPlot does not stack: each series is drawn as the sum up to it, the highest first
  function stacked(metric) {
    var sums = data.ticks.map(function () { return 0; });
    var layers = data.series.map(function (one) {
      sums = sums.map(function (sum, n) { return sum + one[metric][n]; });
      return sums.map(function (sum) { return sum || null; }); // nothing is no bar, not a flat one
    });
    return [data.ticks.map(function (_, n) { return n; })].concat(layers.reverse());
  }

  function options(metric, width, height) {
    var line = styled("--xr-line"), dim = styled("--xr-dim"), card = styled("--xr-card");
    var count = data.series.length;
    var bars = uPlot.paths.bars({ size: [0.72, 44], radius: 0 });
    var axis = { stroke: dim, font: "12px Inter, sans-serif", ticks: { show: false }, gap: 6 };
    return {
      width: width, height: height, legend: { show: false }, cursor: { y: false, points: { show: false }, drag: { setScale: false, x: false, y: false } },
      scales: {
        x: { time: false, range: function () { return [-0.6, data.ticks.length - 0.4]; } },
        y: { range: function (u, low, high) { return [0, high > 0 ? high * 1.08 : 1]; } },
      },
      axes: [
        Object.assign({}, axis, { grid: { show: false }, size: 28, values: function (u, splits) { return splits.map(function (n) { return data.ticks[n] || ""; }); },
          splits: function (u) { return ticks(u.width); } }),
        Object.assign({}, axis, { grid: { stroke: line, width: 1 }, size: 64, values: function (u, splits) { return splits.map(function (value) { return onAxis(metric, value); }); } }),
      ],
      series: [{}].concat(data.series.map(function (_, n) {
        var at = count - 1 - n;
        return { fill: colour(at, data.series[at].other), stroke: card, width: 1, paths: bars, points: { show: false } };
      })),
      hooks: { setCursor: [function (u) { tell(metric, u); }] },
    };
  }

  // which buckets are named on the axis: those with a label, as many as there is room for
  function ticks(width) {
    var named = data.ticks.map(function (text, n) { return text ? n : -1; }).filter(function (n) { return n >= 0; });
    var step = Math.max(1, Math.ceil(named.length / Math.max(2, Math.floor(width / 76))));
    return named.filter(function (_, place) { return place % step === 0; });
  }

  // ---- what stands under the pointer
  function tell(metric, u) {
    var box = charts[metric] && charts[metric].tip;
    if (!box) return;
    var n = u.cursor.idx;
    if (n === null || n === undefined || u.cursor.left < 0 || !data.labels[n]) { box.hidden = true; return; }
    var rows = data.series.map(function (one, at) { return { name: one.name, value: one[metric][n], at: at, other: one.other }; }).filter(function (row) { return row.value; });
    box.textContent = "";
    box.appendChild(element("strong", data.labels[n]));
    rows.forEach(function (row) {
      var line = box.appendChild(element("div"));
      var mark = line.appendChild(element("i"));
      mark.style.background = colour(row.at, row.other);
      line.appendChild(element("span", row.name));
      line.appendChild(element("b", written(metric, row.value)));
    });
    var sum = box.appendChild(element("div"));
    sum.appendChild(element("span", rows.length ? "All" : "Nothing"));
    sum.appendChild(element("b", written(metric, rows.reduce(function (all, row) { return all + row.value; }, 0))));
    box.hidden = false;
    var left = u.cursor.left + u.over.offsetLeft, room = u.root.clientWidth - box.offsetWidth - 8;
    box.style.left = Math.max(4, Math.min(left + 16, room)) + "px";
    if (left + 16 > room) box.style.left = Math.max(4, left - box.offsetWidth - 16) + "px";
  }
  function element(name, text) { var made = document.createElement(name); if (text !== undefined) made.textContent = text; return made; }

  // ---- draw, and draw anew where the number of series, the theme or the width changes
  function draw(metric) {
    var host = root.querySelector('[data-chart="' + metric + '"]');
    if (charts[metric]) charts[metric].plot.destroy();
    host.textContent = "";
    var tip = element("div");
    tip.className = "xr-tip";
    tip.hidden = true;
    charts[metric] = { tip: tip, plot: new uPlot(options(metric, host.clientWidth, host.clientHeight), stacked(metric), host) };
    charts[metric].plot.root.appendChild(tip);
    legend(metric);
  }
  function legend(metric) {
    var list = root.querySelector('[data-legend="' + metric + '"]');
    list.textContent = "";
    data.series.forEach(function (one, n) {
      var sum = one[metric].reduce(function (all, value) { return all + value; }, 0);
      var item = list.appendChild(element("li"));
      item.appendChild(element("i")).style.background = colour(n, one.other);
      item.appendChild(element("span", one.name));
      item.appendChild(element("b", metric === "cost" ? usd(sum) : compact(sum)));
    });
  }
  var METRICS = ["cost", "tokens", "requests"];
  function drawAll() { METRICS.forEach(draw); }
  drawAll();
  document.addEventListener("xr:theme", drawAll);
  new ResizeObserver(function () {
    METRICS.forEach(function (metric) {
      var host = root.querySelector('[data-chart="' + metric + '"]');
      if (host.clientWidth !== charts[metric].plot.width) charts[metric].plot.setSize({ width: host.clientWidth, height: host.clientHeight });
    });
  }).observe(root);

  // ---- renew: only what changed, only while somebody looks
  var last = "", waiting = false;
  function renew() {
    if (document.hidden || waiting) return;
    waiting = true;
    fetch(root.dataset.url, { headers: { Accept: "application/json" }, credentials: "same-origin" }).then(function (answer) {
      if (answer.redirected) { location.reload(); return null; } // logged out meanwhile
      return answer.ok ? answer.text() : null;
    }).then(function (text) {
      if (!text || text === last) return;
      var first = last === "";
      last = text;
      var found = JSON.parse(text);
      if (first && JSON.stringify(found.totals) === JSON.stringify(data.totals)) return;
      show(found);
    }).catch(function () { /* the next one may come through */ }).then(function () { waiting = false; });
  }
  function show(found) {
    var same = found.series.length === data.series.length && found.ticks.length === data.ticks.length &&
      found.series.every(function (one, n) { return one.name === data.series[n].name; });
    data = found;
    METRICS.forEach(function (metric) {
      if (same) { charts[metric].plot.setData(stacked(metric)); legend(metric); } else draw(metric);
    });
    Object.keys(found.totals).forEach(function (name) {
      var node = root.querySelector('[data-total="' + name + '"]');
      if (node) node.textContent = found.totals[name];
    });
    var holder = document.createElement("div");
    holder.innerHTML = found.tables;
    holder.querySelectorAll("template").forEach(function (part) {
      root.querySelector('[data-table="' + part.dataset.for + '"]').innerHTML = part.innerHTML;
    });
    document.getElementById("generations").innerHTML = found.latest;
  }
  setInterval(renew, RENEW_MS);
  document.addEventListener("visibilitychange", renew);
})();
