// The charts of the report need points, bars, confidence whiskers (a custom
// series), a legend, a tooltip and a reference line; nothing else is bundled.
import * as echarts from 'echarts/core';
import { BarChart, CustomChart, ScatterChart } from 'echarts/charts';
import {
  AriaComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
  TooltipComponent,
} from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
import langZH from 'echarts/i18n/langZH-obj.js';

echarts.use([
  BarChart, CustomChart, ScatterChart,
  AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, TooltipComponent,
  SVGRenderer,
]);
echarts.registerLocale('ZH', langZH);

globalThis.echarts = echarts;
