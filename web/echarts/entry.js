// What the report draws with: custom series, which static/report.js draws, regions of a
// base map, axes, a legend, a reference line and a tooltip. Nothing else is bundled.
import * as echarts from 'echarts/core';
import { CustomChart, MapChart } from 'echarts/charts';
import { AriaComponent, GridComponent, LegendPlainComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
import langZH from 'echarts/i18n/langZH-obj.js';

echarts.use([
  CustomChart, MapChart,
  AriaComponent, GridComponent, LegendPlainComponent, MarkLineComponent, TooltipComponent,
  SVGRenderer,
]);
echarts.registerLocale('ZH', langZH);

globalThis.echarts = echarts;
