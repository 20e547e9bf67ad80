// What the report draws with: one custom series (points or bars with confidence
// whiskers), axes, a legend, a reference line and a tooltip. Nothing else is bundled.
import * as echarts from 'echarts/core';
import { CustomChart } from 'echarts/charts';
import { AriaComponent, GridComponent, LegendPlainComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
import langZH from 'echarts/i18n/langZH-obj.js';

echarts.use([
  CustomChart,
  AriaComponent, GridComponent, LegendPlainComponent, MarkLineComponent, TooltipComponent,
  SVGRenderer,
]);
echarts.registerLocale('ZH', langZH);

globalThis.echarts = echarts;
