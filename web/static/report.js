// Draws the charts of a report. Each chart is an option of ECharts in a JSON script;
// what JSON cannot say (how a series is drawn, how a tooltip is written) stands there
// as the name of a function below. Without this script the tables say everything.
(function () {
  'use strict';

  var FONT = getComputedStyle(document.body).fontFamily;
  var INK = '#1b2733';

  // Each item of a whisker series is [x, lo, hi, row, slot, slots, shape, reach]; its label
  // stands behind reach.
  var X = 0, LO = 1, HI = 2, ROW = 3, SLOT = 4, SLOTS = 5, SHAPE = 6, REACH = 7;
  var BAR = 0, TICK = 9;

  function line(x1, y1, x2, y2, stroke, width) {
    return { type: 'line', shape: { x1: x1, y1: y1, x2: x2, y2: y2 }, style: { stroke: stroke, lineWidth: width } };
  }

  // Points differ in shape as well as in colour, so that they can be told apart without it.
  function point(shape, x, y, fill) {
    var r = 5, style = { fill: fill, stroke: '#fff', lineWidth: 1 };
    switch (shape) {
      case 2: return { type: 'rect', shape: { x: x - r + 0.5, y: y - r + 0.5, width: 2 * r - 1, height: 2 * r - 1 }, style: style };
      case 3: return { type: 'polygon', shape: { points: [[x, y - r - 1], [x + r + 1, y], [x, y + r + 1], [x - r - 1, y]] }, style: style };
      case 4: return { type: 'polygon', shape: { points: [[x, y - r - 1], [x + r + 1, y + r - 1], [x - r - 1, y + r - 1]] }, style: style };
      default: return { type: 'circle', shape: { cx: x, cy: y, r: r }, style: style };
    }
  }

  // ciWhisker draws one estimate: a point or a bar, its interval with two ends, and the
  // value behind it; or, for a true value, a tick.
  function ciWhisker(params, api) {
    var color = api.visual('color'), row = api.value(ROW);
    var step = Math.min(18, api.size([0, 1])[1] / (api.value(SLOTS) + 0.4));
    var at = api.coord([api.value(X), row]);
    var x = at[0], y = at[1] + (api.value(SLOT) - (api.value(SLOTS) - 1) / 2) * step;
    var half = Math.min(5, step / 2 - 2);
    if (api.value(SHAPE) === TICK) {
      return { type: 'group', children: [line(x, y - half - 3, x, y + half + 3, color, 3)] };
    }
    var parts = [], lo = api.value(LO), hi = api.value(HI);
    if (api.value(SHAPE) === BAR) {
      var zero = api.coord([0, row])[0];
      parts.push({ type: 'rect', shape: { x: zero, y: y - step / 2 + 1, width: x - zero, height: step - 2 }, style: { fill: color, opacity: 0.35 } });
    }
    if (isFinite(lo) && isFinite(hi)) {
      var a = api.coord([lo, row])[0], b = api.coord([hi, row])[0];
      parts.push(line(a, y, b, y, color, 2), line(a, y - half, a, y + half, color, 2), line(b, y - half, b, y + half, color, 2));
    }
    parts.push(api.value(SHAPE) === BAR ? line(x, y - step / 2 + 1, x, y + step / 2 - 1, color, 3) : point(api.value(SHAPE), x, y, color));
    parts.push({
      type: 'text',
      style: { text: api.value(X).toFixed(1), x: api.coord([api.value(REACH), row])[0] + 7, y: y, verticalAlign: 'middle', fill: INK, font: '12px ' + FONT }
    });
    return { type: 'group', children: parts };
  }

  var functions = {
    ciWhisker: ciWhisker,
    itemName: function (item) { return item.name; }
  };

  function complete(option, width) {
    option.textStyle = { fontFamily: FONT, color: INK };
    option.animation = false;
    option.tooltip.renderMode = 'richText'; // an HTML tooltip would need inline styles
    option.tooltip.confine = true;
    option.tooltip.formatter = functions[option.tooltip.formatter];
    option.series.forEach(function (s) { s.renderItem = functions[s.renderItem]; });
    option.yAxis[0].axisLabel.width = Math.max(92, Math.min(230, Math.round(width * 0.3)));
    return option;
  }

  var charts = [];

  // On paper the style sheet scales a drawing to the width of the page; for that it must
  // say how large it is.
  function scalable(box) {
    var svg = box.querySelector('svg');
    svg.setAttribute('viewBox', '0 0 ' + svg.getAttribute('width') + ' ' + svg.getAttribute('height'));
  }

  function draw(box) {
    var data = document.getElementById(box.getAttribute('data-option'));
    box.style.height = box.getAttribute('data-height') + 'px';
    var chart = echarts.init(box, null, { renderer: 'svg', locale: document.documentElement.lang === 'en' ? 'EN' : 'ZH' });
    chart.setOption(complete(JSON.parse(data.textContent), box.clientWidth));
    scalable(box);
    charts.push({ box: box, chart: chart, width: box.clientWidth });
  }

  function fit() {
    charts.forEach(function (c) {
      if (c.box.clientWidth !== c.width) {
        c.width = c.box.clientWidth;
        c.chart.resize();
        scalable(c.box);
      }
    });
  }

  document.documentElement.className = 'js';
  document.querySelectorAll('.chart').forEach(draw);
  window.addEventListener('resize', fit);
})();
