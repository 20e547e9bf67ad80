// Draws the charts of a report. Each chart is an option of ECharts in a JSON script;
// what JSON cannot say (how a series is drawn, how a tooltip is written) stands there
// as the name of a function below. Without this script the tables say everything.
//
// The first part knows no page: the program runs it with the same ECharts to make the
// pictures of paper, so that screen and paper show one drawing.
(function () {
  'use strict';

  var INK = '#1b2733', SOFT = '#4c5a67', RULE = '#cfd6dd', GAP = '#f4f6f8';
  var font = 'sans-serif';

  // --- Measures ---------------------------------------------------------------------

  // advance is the width of a character for letters of one pixel: a Chinese one is a square,
  // others are a little more than half of one. It is the same wherever the chart is drawn.
  function advance(c) { return c.codePointAt(0) > 0x2e7f ? 1 : /[A-Z%mwMW—…]/.test(c) ? 0.75 : 0.56; }

  function wide(text, size) {
    var w = 0;
    Array.from(text).forEach(function (c) { w += advance(c) * size; });
    return w;
  }

  // fit returns how many characters of a text stand in a width; at least one, so that what
  // calls it comes to an end.
  function fit(chars, size, width) {
    var w = 0, n = 0;
    while (n < chars.length && (w += advance(chars[n]) * size) <= width) n++;
    return Math.max(n, 1);
  }

  // tame changes a text that is the name of a property every object has, such as __proto__,
  // by a mark without width: ECharts keeps texts as names of properties and would change all
  // objects.
  function tame(text) { return text in Object.prototype ? text + '\u200b' : text; }

  function tamed(key, value) { return typeof value === 'string' ? tame(value) : value; }

  // cut shortens a text to a width and says with an ellipsis that it did.
  function cut(text, size, width) {
    var chars = Array.from(text);
    if (chars.length < 2 || fit(chars, size, width) === chars.length) return tame(text);
    return chars.slice(0, fit(chars, size, width - advance('…') * size)).join('').trimEnd() + '…';
  }

  // wrap breaks a text into at most so many lines: between words where there are any,
  // otherwise between characters.
  function wrap(text, size, width, most) {
    var lines = [], line = '', used = 0;
    function end() { lines.push(tame(line.trimEnd())); line = ''; used = 0; }
    var words = text.replace(/\s+/g, ' ').match(/[\u2e80-\uffff][、。，；：！？）》】”％]*|[^\s\u2e80-\uffff]+\s*|\s+/gu) || [];
    for (var i = 0; i < words.length && lines.length <= most; i++) {
      var word = words[i];
      if (line && used + wide(word.trimEnd(), size) > width) end();
      var chars = Array.from(word);
      while (wide(word.trimEnd(), size) > width && chars.length > 1 && lines.length <= most) {
        var n = fit(chars, size, width);
        line = chars.slice(0, n).join('');
        chars = chars.slice(n);
        word = chars.join('');
        end();
      }
      line += word;
      used += wide(word, size);
    }
    if (line.trim()) end();
    if (lines.length > most) {
      var between = /[\x21-\x7e]$/.test(lines[most - 1]) && /^[\x21-\x7e]/.test(lines[most]) ? ' ' : '';
      var last = cut(lines[most - 1] + between + lines[most], size, width);
      lines.length = most;
      lines[most - 1] = /…$/.test(last) ? last : last + '…';
    }
    return lines;
  }

  // The shapes that are no points.
  var BAR = 0, TICK = 9;

  // --- Marks ------------------------------------------------------------------------

  function line(x1, y1, x2, y2, stroke, width, dash) {
    return { type: 'line', shape: { x1: x1, y1: y1, x2: x2, y2: y2 }, style: { stroke: stroke, lineWidth: width, lineDash: dash || null } };
  }

  // interval is a line between a and b with an end at each, in one stroke; upright when asked.
  function interval(a, b, at, half, upright, stroke) {
    var points = [[a, at - half], [a, at + half], [a, at], [b, at], [b, at - half], [b, at + half]];
    if (upright) points = points.map(function (p) { return [p[1], p[0]]; });
    return { type: 'polyline', shape: { points: points }, style: { fill: null, stroke: stroke, lineWidth: 2 } };
  }

  function rect(x, y, w, h, style) {
    return { type: 'rect', shape: { x: x, y: y, width: w, height: h }, style: style };
  }

  function text(words, x, y, style) {
    var size = style.size || 12;
    return {
      type: 'text', style: {
        text: words, x: x, y: y, fill: style.fill || INK, align: style.align || 'left', verticalAlign: style.vertical || 'middle',
        lineHeight: Math.round(size * 1.3), backgroundColor: style.behind || null, padding: style.behind ? [1, 2] : 0,
        stroke: style.halo ? '#fff' : null, lineWidth: style.halo ? 3 : 0,
        fontSize: size, fontFamily: font, fontWeight: style.bold ? 'bold' : 'normal'
      }
    };
  }

  // Points differ in shape as well as in colour, so that they can be told apart without it.
  function point(shape, x, y, fill) {
    var r = 5, style = { fill: fill, stroke: '#fff', lineWidth: 1 };
    function corners(points) { return { type: 'polygon', shape: { points: points }, style: style }; }
    switch (shape) {
      case 2: return rect(x - r + 0.5, y - r + 0.5, 2 * r - 1, 2 * r - 1, style);
      case 3: return corners([[x, y - r - 1], [x + r + 1, y], [x, y + r + 1], [x - r - 1, y]]);
      case 4: return corners([[x, y - r - 1], [x + r + 1, y + r - 1], [x - r - 1, y + r - 1]]);
      case 5: return corners([[x, y + r + 1], [x + r + 1, y - r + 1], [x - r - 1, y - r + 1]]);
      case 6: return { type: 'circle', shape: { cx: x, cy: y, r: r - 1 }, style: { fill: '#fff', stroke: fill, lineWidth: 2.5 } };
      case 7: return corners([[-2, -6], [2, -6], [2, -2], [6, -2], [6, 2], [2, 2], [2, 6], [-2, 6], [-2, 2], [-6, 2], [-6, -2], [-2, -2]]
        .map(function (p) { return [x + p[0], y + p[1]]; }));
      case TICK: return rect(x - 8, y - 1.5, 16, 3, style);
      default: return { type: 'circle', shape: { cx: x, cy: y, r: r }, style: style };
    }
  }

  function fix(n) { return Math.round(n * 10) / 10; }

  // strokes are the lines of a pattern within a rectangle: / \ – | + ×, from 1 to 6.
  function strokes(x, y, w, h, pattern, gap) {
    var d = '', t;
    function go(x1, y1, x2, y2) { d += 'M' + fix(x1) + ' ' + fix(y1) + 'L' + fix(x2) + ' ' + fix(y2); }
    if (pattern === 1 || pattern === 6) {
      for (t = gap; t < w + h; t += gap) go(x + Math.max(0, t - h), y + Math.min(h, t), x + Math.min(w, t), y + Math.max(0, t - w));
    }
    if (pattern === 2 || pattern === 6) {
      for (t = gap; t < w + h; t += gap) go(x + w - Math.max(0, t - h), y + Math.min(h, t), x + w - Math.min(w, t), y + Math.max(0, t - w));
    }
    if (pattern === 3 || pattern === 5) for (t = gap; t < h; t += gap) go(x, y + t, x + w, y + t);
    if (pattern === 4 || pattern === 5) for (t = gap; t < w; t += gap) go(x + t, y, x + t, y + h);
    return d;
  }

  function hatch(x, y, w, h, pattern, stroke, width, gap) {
    var d = pattern ? strokes(x, y, w, h, pattern, gap || 6) : '';
    return d ? [{ type: 'path', shape: { pathData: d }, style: { fill: null, stroke: stroke, lineWidth: width } }] : [];
  }

  // gap is where a number would be that does not exist: a hatched box, which is no bar.
  function gap(x, y, w, h) {
    return [rect(x, y, w, h, { fill: GAP, stroke: SOFT, lineWidth: 1, lineDash: [2, 2] })].concat(hatch(x, y, w, h, 1, '#9aa5b0', 1, 5));
  }

  function group(children) { return { type: 'group', children: children }; }

  // --- What the series draw -----------------------------------------------------------

  // ciWhisker draws one estimate of a group: a point or a bar, its interval with two ends,
  // and the number behind it; or, for a true value, a tick. An item is [x, lo, hi, row, slot,
  // slots, shape, reach, label, missing, pattern]; the label stands behind reach.
  function ciWhisker(params, api, item) {
    var x = item[0], lo = item[1], hi = item[2], row = item[3], slots = item[5], shape = item[6];
    var color = api.visual('color'), area = params.coordSys, zero = api.coord([0, row]);
    var step = Math.min(18, Math.max(10, api.size([0, 1])[1] / (slots + 0.4)));
    var y = zero[1] + (item[4] - (slots - 1) / 2) * step, half = Math.min(5, step / 2 - 2);
    if (item[9]) {
      var start = Math.max(zero[0], area.x) + 2;
      return group(gap(start, y - 5, 14, 10).concat(text(cut(item[9], 12, area.x + area.width - start - 20), start + 20, y, { fill: SOFT })));
    }
    var at = api.coord([x, row])[0];
    if (shape === TICK) return group([rect(at - 2, y - half - 3, 4, 2 * half + 6, { fill: color, stroke: '#fff', lineWidth: 1 })]);
    var parts = [], ink = color;
    if (shape === BAR) {
      var from = Math.min(zero[0], at), width = Math.abs(at - zero[0]), patterned = item.length > 10;
      parts.push(rect(from, y - step / 2 + 1, width, step - 2, { fill: color, opacity: patterned ? 0.6 : 0.35 }));
      parts = parts.concat(hatch(from, y - step / 2 + 1, width, step - 2, item[10], '#fff', 1.4, 5));
      if (patterned) ink = INK;
    }
    if (isNumber(lo) && isNumber(hi)) {
      var a = api.coord([lo, row])[0], b = api.coord([hi, row])[0];
      if (shape === BAR) parts.push(line(a, y, b, y, '#fff', 4));
      parts.push(interval(a, b, y, half, false, ink));
    }
    parts.push(shape === BAR ? line(at, y - step / 2 + 1, at, y + step / 2 - 1, color, 3) : point(shape, at, y, color));
    parts.push(text(item[8] === undefined ? x.toFixed(1) : item[8], api.coord([item[7], row])[0] + 7, y, { halo: true }));
    return group(parts);
  }

  function isNumber(n) { return typeof n === 'number' && isFinite(n); }

  // ciStack draws one part of a group: [from, to, row, label, fill, ink, pattern, missing].
  function ciStack(params, api, item) {
    var a = api.coord([item[0], item[2]]), b = api.coord([item[1], item[2]])[0];
    var h = Math.min(22, api.size([0, 1])[1] - 8), y = a[1] - h / 2;
    if (item[7]) {
      var words = cut(item[7], 12, b - a[0] - 12);
      return group(gap(a[0], y, b - a[0], h).concat(text(words, (a[0] + b) / 2, a[1], { fill: INK, align: 'center', behind: GAP })));
    }
    var parts = [rect(a[0], y, b - a[0], h, { fill: item[4], stroke: '#fff', lineWidth: 1 })];
    parts = parts.concat(hatch(a[0], y, b - a[0], h, item[6], item[5] === '#ffffff' ? '#ffffff' : '#1b2733', 0.6, 5));
    if (wide(item[3], 12) + 8 <= b - a[0]) parts.push(text(item[3], (a[0] + b) / 2, a[1], { fill: item[5], align: 'center', behind: item[6] ? item[4] : null }));
    return group(parts);
  }

  // ciTrend draws one time of a line with what joins it to the time before: [time, value, lo,
  // hi, slot, slots, shape, before, valueBefore, label, missing, above, least, left, right,
  // earlier], where prepare adds the last four: the least distance of two times, those to the
  // times beside it, and [time, value, lo, hi] of the item before. Nothing joins it where before is null: at a break, and beside a time without a
  // number. For a missing number, above counts the missing ones of other lines that are named
  // below it.
  function ciTrend(params, api, item) {
    function years(n) { return api.size([n, 0])[0]; }
    var color = api.visual('color'), area = params.coordSys, slots = item[5];
    var step = Math.min(14, Math.max(4, years(item[12]) / (slots + 1))), shift = (item[4] - (slots - 1) / 2) * step;
    var left = years(item[13]), right = years(item[14]);
    if (item[10]) {
      var foot = area.y + area.height, x0 = api.coord([item[0], 0])[0] + shift;
      var lift = foot - 7 - item[11] * 20;
      var words = wrap(item[10], 10, Math.max(52, Math.max(left, right) * 1.3 - 14), 2);
      var long = Math.max.apply(null, words.map(function (l) { return wide(l, 10); })), behind = right >= left && x0 + 8 + long <= api.getWidth();
      return group(gap(x0 - 5, lift - 5, 10, 10).concat(words.map(function (l, k) {
        return text(l, x0 + (behind ? 8 : -8), lift + 1 - (words.length - 1 - k) * 11, { fill: color, size: 10, halo: true, align: behind ? 'left' : 'right' });
      })));
    }
    var at = api.coord([item[0], item[1]]), x = at[0] + shift, y = at[1], parts = [], top = y, bottom = y;
    if (item[7] !== null) {
      var back = api.coord([item[7], item[8]]);
      parts.push(line(back[0] + shift, back[1], x, y, color, 2));
    }
    if (isNumber(item[2]) && isNumber(item[3])) {
      bottom = api.coord([item[0], item[2]])[1];
      top = api.coord([item[0], item[3]])[1];
      parts.push(interval(bottom, top, x, 4, true, color));
    }
    parts.push(point(item[6], x, y, color));
    var last = params.dataIndex === params.dataInsideLength - 1, level = item[11] ? top - 10 : bottom + 11;
    if (item[9] && (Math.min(left, right) >= 44 || last && !covered(item[15]))) parts.push(text(item[9], x, level, { fill: INK, align: 'center', halo: true }));
    return group(parts);

    // covered says whether the number would lie on the point or the interval before it.
    function covered(before) {
      if (!before || before[1] === null) return false;
      function up(v) { return api.coord([before[0], isNumber(v) ? v : before[1]])[1]; }
      var there = api.coord([before[0], before[1]])[0] + shift;
      return there + 6 > x - wide(item[9], 12) / 2 && level + 8 > up(before[3]) - 6 && level - 8 < up(before[2]) + 6;
    }
  }

  // ciBreak marks where numbers cannot be compared: [time, lines, line of its text].
  function ciBreak(params, api, item) {
    var area = params.coordSys;
    var x = api.coord([item[0], 0])[0], y = area.y - 8 - item[2] * 15;
    var longest = Math.max.apply(null, item[1].map(function (l) { return wide(l, 11); }));
    var left = Math.min(Math.max(2, x - longest / 2), Math.max(2, api.getWidth() - longest - 4));
    var parts = [line(x, y, x, area.y + area.height, SOFT, 1.5, [2, 3])];
    item[1].forEach(function (l, i) {
      parts.push(text(l, left, y - (item[1].length - 1 - i) * 15 - 7, { fill: SOFT, size: 11, halo: true }));
    });
    return group(parts);
  }

  // ciRule marks a value for comparison: [value, name, along], along x or y.
  function ciRule(params, api, item) {
    var area = params.coordSys, name = cut(item[1], 12, area.width);
    if (item[2] === 'y') {
      var y = api.coord([0, item[0]])[1];
      return group([line(area.x, y, area.x + area.width, y, SOFT, 1, [6, 4]), text(name, area.x + 4, y - 8, { fill: SOFT, halo: true })]);
    }
    var x = api.coord([item[0], 0])[0], w = wide(name, 12);
    var left = Math.max(area.x, Math.min(x - w / 2, area.x + area.width - w));
    return group([line(x, area.y - 2, x, area.y + area.height, SOFT, 1, [6, 4]), text(name, left, area.y - 11, { fill: SOFT })]);
  }

  // ciTile draws the square of a place: [column, row, columns, fill, ink, short, label, missing,
  // size, lines], where prepare adds the last two.
  function ciTile(params, api, item) {
    var side = tileSide(api.getWidth(), item[2]), left = (api.getWidth() - side * item[2]) / 2;
    var x = left + item[0] * side + 1.5, y = 2 + item[1] * side + 1.5, w = side - 3, cx = x + w / 2, cy = y + w / 2;
    var size = item[8], lines = item[9], height = size * (side < 40 ? 1.12 : 1.3), parts;
    var up = cy - (lines.length - 1) * height / 2;
    if (item[7]) parts = gap(x, y, w, w);
    else parts = [rect(x, y, w, w, { fill: item[3], stroke: SOFT, lineWidth: 0.5 })];
    var behind = item[7] ? GAP : null;
    lines.forEach(function (l, i) {
      var value = i === lines.length - 1 && !item[7];
      parts.push(text(l, cx, up + i * height, { fill: item[4], align: 'center', size: l === item[5] || value ? size : Math.min(size, 10), bold: value, behind: behind }));
    });
    return group(parts);
  }

  function tileSide(width, columns) { return Math.floor(Math.min(84, (width - 4) / columns)); }

  // ciKey explains the colours of squares and regions, and says below what the picture is
  // not, or who approved its map: [[fill, words]…, lines of the note]. An empty fill is a gap.
  function ciKey(params, api, item) {
    var parts = [], notes = item[1], x = 4, y = api.getHeight() - notes.length * 16 - keyHeight(item[0], api.getWidth()) + 10;
    item[0].forEach(function (k) {
      var w = 24 + wide(k[1], 11) + 12;
      if (x + w > api.getWidth() && x > 4) { x = 4; y += 18; }
      parts = parts.concat(k[0] ? [rect(x, y - 6, 18, 12, { fill: k[0], stroke: SOFT, lineWidth: 0.5 })] : gap(x, y - 6, 18, 12));
      parts.push(text(k[1], x + 23, y, { size: 11 }));
      x += w;
    });
    notes.forEach(function (n, i) {
      parts.push(text(n, 4, api.getHeight() - (notes.length - i) * 16 + 7, { fill: SOFT, size: 11 }));
    });
    return group(parts);
  }

  function keyHeight(key, width) {
    var x = 4, rows = 1;
    key.forEach(function (k) {
      var w = 24 + wide(k[1], 11) + 12;
      if (x + w > width && x > 4) { x = 4; rows++; }
      x += w;
    });
    return key.length ? rows * 18 + 6 : 0;
  }

  var functions = {
    ciWhisker: ciWhisker, ciStack: ciStack, ciTrend: ciTrend, ciBreak: ciBreak, ciRule: ciRule, ciTile: ciTile, ciKey: ciKey,
    itemName: function (item) { return wrap(item.data && item.data.tip || item.name, 12, 260, 12).join('\n'); }
  };

  // --- Options ------------------------------------------------------------------------

  // each gives a function of the series the item as it stands in the option: ECharts itself
  // would turn its words into numbers.
  function bind(series) {
    var draw = functions[series.renderItem];
    if (!draw) return;
    var data = series.data;
    series.emphasis = { disabled: true };
    series.silent = !data.some(function (d) { return d.name; });
    series.renderItem = function (params, api) { return draw(params, api, data[params.dataIndex].value); };
  }

  // legend returns the height of the legend, having shortened its names.
  function legend(option, width) {
    var l = option.legend;
    if (!l || !l.show || !l.data) return 0;
    var x = 0, rows = 1;
    l.formatter = function (name) { return cut(name, 12, width - 60); };
    l.selectedMode = false; // every number stays in sight
    l.itemGap = 14;
    l.width = width - 8;
    l.data.forEach(function (d) {
      var w = 14 + 5 + wide(cut(d.name, 12, width - 60), 12) + 18;
      if (x + w > width && x > 0) { x = 0; rows++; }
      x += w;
    });
    return rows * 22 + 4;
  }

  // rows lays out a chart whose groups stand below each other, and returns its height.
  function rows(option, width, top) {
    var axis = option.yAxis[0], room = Math.max(84, Math.min(230, Math.round(width * 0.3))), most = 1, left = 0;
    axis.data = axis.data.map(function (name) {
      var lines = wrap(name, 13, room, 3);
      most = Math.max(most, lines.length);
      lines.forEach(function (l) { left = Math.max(left, wide(l, 13)); });
      return lines.join('\n');
    });
    axis.axisLabel.lineHeight = 16;
    option.xAxis[0].splitNumber = width < 480 ? 3 : 5;
    axis.axisTick = { show: false };
    var height = Math.max(option.suyang.row, most * 16 + 8);
    option.grid = [{ left: Math.ceil(left) + 16, outerBoundsMode: 'none', right: Math.max(24, 12 + Math.ceil(wide(option.suyang.longest, 12))), top: top, bottom: 26 }];
    return top + 26 + height * axis.data.length;
  }

  // Beside the first and the last time there is so much room for the points of all lines, and
  // right of it so much more for the name of the last one.
  var TRENDEDGE = 24, TRENDRIGHT = 14;

  // timeline lays out the times of a trend in proportion, gives each a tick, and names as many
  // as have room: the last one and the first one before all others, then the later ones. It
  // returns how many lines the longest name takes.
  function timeline(option, width) {
    var axis = option.xAxis[0], times = option.suyang.times, last = times.length - 1;
    var span = times[last] - times[0] || 1, room = width - 48 - TRENDRIGHT - 2 * TRENDEDGE, edge = TRENDEDGE * span / room;
    var named = names(option.suyang.names, times.map(function (t) { return (t - times[0]) / span * room; }));
    axis.min = times[0] - edge;
    axis.max = times[last] + edge;
    axis.axisTick = { customValues: times };
    axis.axisLabel.customValues = named.kept.map(function (i) { return times[i]; });
    axis.axisLabel.formatter = function (t) {
      var i = times.indexOf(t);
      return i < 0 ? '' : named.lines[i].join('\n');
    };
    axis.axisLabel.fontSize = named.size;
    axis.axisLabel.lineHeight = 14;
    var least = span;
    times.forEach(function (t, i) { if (i) least = Math.min(least, t - times[i - 1]); });
    option.series.forEach(function (s) {
      if (s.renderItem !== 'ciTrend') return;
      s.data.forEach(function (d, k) {
        var i = times.indexOf(d.value[0]);
        d.value[12] = least;
        d.value[13] = i ? times[i] - times[i - 1] : edge;
        d.value[14] = i < last ? times[i + 1] - times[i] : edge;
        d.value[15] = k ? s.data[k - 1].value.slice(0, 4) : null;
      });
    });
    return Math.max.apply(null, named.kept.map(function (i) { return named.lines[i].length; }));
  }

  // names finds the size in which all names stand beside each other at their places, or in the
  // smallest one those that do, and breaks long ones into lines.
  function names(all, at) {
    var last = all.length - 1, order = [last, 0], out;
    for (var i = last - 1; i > 0; i--) order.push(i);
    for (var size = 12; size >= 10; size--) {
      out = { size: size, kept: [], lines: all.map(function (n) { return wrap(n, size, 2 * (TRENDEDGE + TRENDRIGHT) - 4, 3); }) };
      var half = out.lines.map(function (lines) { return Math.max.apply(null, lines.map(function (l) { return wide(l, size); })) / 2; });
      order.forEach(function (i) {
        var free = out.kept.every(function (k) { return i !== k && Math.abs(at[i] - at[k]) >= half[i] + half[k] + 6; });
        if (free) out.kept.push(i);
      });
      if (out.kept.length === all.length) break;
    }
    return out;
  }

  function trend(option, width, top) {
    var level = 0;
    option.series.forEach(function (s) {
      if (s.renderItem !== 'ciBreak') return;
      s.data.forEach(function (d) {
        d.value[1] = wrap(d.value[1], 11, width - 16, 4);
        d.value[2] = level;
        level += d.value[1].length;
      });
    });
    top += level * 15 + (level ? 14 : 0);
    var most = timeline(option, width);
    option.grid = [{ left: 4, right: TRENDRIGHT, top: top + 14, bottom: 12 + most * 14 }];
    return top + most * 14 + (width < 480 ? 240 : 280);
  }

  // tiles writes all squares in one size of letters, a long name on two lines, and returns
  // the height of the grid.
  function tiles(option, width) {
    var side = tileSide(width, option.suyang.columns), w = side - 3, size = 13;
    function each(f) {
      option.series.forEach(function (s) { if (s.renderItem === 'ciTile') s.data.forEach(function (d) { f(d.value); }); });
    }
    each(function (v) { while (size > 9 && (wide(v[5], size) > w - 4 || wide(v[6], size) > w - 3)) size--; });
    each(function (v) {
      var name = [v[5]], chars = Array.from(v[5]), half = Math.ceil(chars.length / 2);
      if (wide(v[5], size) > w - 2) {
        name = [chars.slice(0, half).join('') + (/[a-z]/.test(v[5]) && !/\s/.test(v[5]) ? '-' : ''), chars.slice(half).join('').trim()];
      }
      name = name.map(function (l) { return cut(l, size, w + 3); });
      v[8] = size;
      v[9] = name.concat(!v[7] ? cut(v[6], size, w - 1) : w > 56 ? wrap(v[7], 10, w - 4, 2) : []);
    });
    return side * option.suyang.rows;
  }

  // key lays out what stands below squares and regions, and returns its height.
  function key(option, width) {
    var height = 0;
    option.series.forEach(function (s) {
      if (s.renderItem !== 'ciKey') return;
      var v = s.data[0].value;
      v[1] = v[1].reduce(function (all, n) { return all.concat(wrap(n, 11, width - 8, 4)); }, []);
      height = keyHeight(v[0], width) + v[1].length * 16 + 6;
    });
    return height;
  }

  function regions(option, width) {
    var map = option.suyang.map, below = key(option, width), height = Math.round(Math.min(460, width * 0.8));
    echarts.registerMap(map.name, map.geo);
    option.series.forEach(function (s) {
      if (s.type !== 'map') return;
      s.left = 8; s.right = 8; s.top = 8; s.bottom = below + 4;
      s.selectedMode = false;
      s.emphasis = { disabled: true };
      s.data.forEach(function (d) {
        var r = map.regions[d.name];
        d.tip = r.tip;
        d.itemStyle = { areaColor: r.fill || GAP, borderColor: INK, borderWidth: 0.8 };
        if (!r.fill) d.itemStyle.decal = { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [1.2, 5], rotation: Math.PI / 4, color: '#9aa5b0' };
        d.label = {
          show: true, color: r.ink, formatter: function () { return wrap(r.name, 12, 84, 2).concat(wrap(r.label, 11, 84, 3)).join('\n'); },
          fontSize: 12, fontFamily: font, lineHeight: 15,
          backgroundColor: r.fill ? null : GAP, padding: 1
        };
      });
    });
    return height + below;
  }

  // prepare makes an option ready to be drawn at a width and returns the height it needs.
  function prepare(option, width) {
    var own = option.suyang, height = 0;
    option.textStyle = { fontFamily: font, color: INK };
    option.animation = false;
    option.tooltip.renderMode = 'richText'; // an HTML tooltip would need inline styles
    option.tooltip.confine = true;
    option.tooltip.formatter = functions[option.tooltip.formatter];
    if (own) {
      var top = legend(option, width) + (own.rule ? 22 : 0) + 6;
      if (own.kind === 'trend') height = trend(option, width, top);
      else if (own.kind === 'tiles') height = tiles(option, width) + key(option, width) + 6;
      else if (own.kind === 'choropleth') height = regions(option, width);
      else height = rows(option, width, top);
      [option.xAxis, option.yAxis].forEach(function (axes) {
        (axes || []).forEach(function (a) { a.axisLabel.fontFamily = font; });
      });
    } else {
      option.yAxis[0].axisLabel.width = Math.max(92, Math.min(230, Math.round(width * 0.3)));
    }
    option.series.forEach(bind);
    delete option.suyang;
    return height;
  }

  // svg draws an option without a page, for paper.
  function svg(json, width, family, locale) {
    font = family;
    var option = JSON.parse(json, tamed), height = prepare(option, width);
    delete option.tooltip;
    delete option.aria; // SVG says it in its own way
    var chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: width, height: height, locale: locale });
    try {
      chart.setOption(option);
      var drawn = chart.renderToSVGString();
      for (var changed in {}) throw new Error('every object now has ' + changed);
      return drawn;
    } finally {
      chart.dispose();
    }
  }

  if (typeof document === 'undefined') {
    globalThis.suyangSVG = svg;
    return;
  }

  // --- The page -------------------------------------------------------------------------

  font = getComputedStyle(document.body).fontFamily;
  var charts = [];

  // On paper the style sheet scales a drawing to the width of the page; for that it must
  // say how large it is.
  function scalable(box) {
    var svg = box.querySelector('svg');
    svg.setAttribute('viewBox', '0 0 ' + svg.getAttribute('width') + ' ' + svg.getAttribute('height'));
  }

  function paint(c) {
    var option = JSON.parse(c.json, tamed), height = prepare(option, c.width);
    c.points = [];
    option.series.forEach(function (s, i) {
      s.data.forEach(function (d, j) { if (d.tip || d.name) c.points.push({ seriesIndex: i, dataIndex: j, words: d.tip || d.name }); });
    });
    c.box.style.height = (height || c.box.getAttribute('data-height')) + 'px';
    c.chart.resize();
    c.chart.setOption(option, true);
    scalable(c.box);
  }

  function draw(box) {
    var locale = document.documentElement.lang === 'en' ? 'EN' : 'ZH';
    box.textContent = ''; // the picture for readers without script
    box.style.height = (box.getAttribute('data-height') || 100) + 'px';
    var c = {
      box: box, width: box.clientWidth, at: -1, points: [],
      json: document.getElementById(box.getAttribute('data-option')).textContent,
      chart: echarts.init(box, null, { renderer: 'svg', locale: locale })
    };
    charts.push(c);
    paint(c);
    walk(c);
  }

  // walk lets the arrow keys go from number to number, as the pointer does: what the tooltip
  // shows is also said to a screen reader.
  function walk(c) {
    var said = document.createElement('p');
    said.setAttribute('role', 'status');
    said.style.cssText = 'position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap';
    c.box.parentNode.insertBefore(said, c.box.nextSibling);
    c.box.tabIndex = 0;
    c.box.addEventListener('keydown', function (e) {
      var step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
      if (e.key === 'Escape') { hide(); return; }
      if (!step || !c.points.length) return;
      e.preventDefault();
      if (c.at < 0) c.at = step > 0 ? -1 : 0;
      c.at = (c.at + step + c.points.length) % c.points.length;
      var p = c.points[c.at];
      said.textContent = p.words;
      c.chart.dispatchAction({ type: 'showTip', seriesIndex: p.seriesIndex, dataIndex: p.dataIndex });
    });
    c.box.addEventListener('blur', hide);
    function hide() { c.at = -1; said.textContent = ''; c.chart.dispatchAction({ type: 'hideTip' }); }
  }

  function redraw() {
    charts.forEach(function (c) {
      if (c.box.clientWidth && c.box.clientWidth !== c.width) {
        c.width = c.box.clientWidth;
        paint(c);
      }
    });
  }

  document.documentElement.className = 'js';
  document.querySelectorAll('.chart').forEach(draw);
  window.addEventListener('resize', redraw);
})();
