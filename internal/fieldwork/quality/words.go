package quality

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/surveys"
)

// Words says in a sentence what was seen, or why nothing could be said.
func (f Finding) Words() surveys.Text {
	if f.Outcome == Unjudged {
		why, ok := whys[f.Why]
		if !ok {
			why = surveys.Text{surveys.ZH: "尚未检查", surveys.EN: "it was not looked at"}
		}
		return surveys.Text{
			surveys.ZH: "无法判断，因为" + why[surveys.ZH] + "。",
			surveys.EN: "Cannot be judged, because " + why[surveys.EN] + ".",
		}
	}
	return f.seen()
}

// seen writes value, threshold and n out.
func (f Finding) seen() surveys.Text {
	pc := func(x float64) string { return fmt.Sprintf("%.1f%%", 100*x) }
	switch f.Flag {
	case TooFast:
		if f.Why == byFloor {
			return both(fmt.Sprintf("%d 页平均每字（词）只用 %.0f 毫秒，下限为 %.0f 毫秒。", f.N, f.Value, f.Threshold),
				fmt.Sprintf("%d pages in %.0f ms a character or word; the floor is %.0f ms.", f.N, f.Value, f.Threshold))
		}
		return both(fmt.Sprintf("%d 页的用时与内容长度相比，偏离本轮中位数 %.1f 个稳健标准差，界限为 %.1f。", f.N, f.Value, f.Threshold),
			fmt.Sprintf("Time on %d pages for what they show is %.1f robust standard deviations from the middle of the wave; the bound is %.1f.", f.N, f.Value, f.Threshold))
	case StraightLine:
		return both(fmt.Sprintf("在 %d 组量表题中，整组答案相同的罕见程度为 %.2f，界限为 %.2f（2 表示一百份问卷中约一份）。", f.N, f.Value, f.Threshold),
			fmt.Sprintf("Of %d blocks of scales, those answered alike throughout have a surprise of %.2f; the bound is %.2f (2 is one interview in a hundred).", f.N, f.Value, f.Threshold))
	case NoAnswer:
		return both(fmt.Sprintf("%d 道题中有 %s 回答“不知道”“不愿回答”或空白，界限为 %s。", f.N, pc(f.Value), pc(f.Threshold)),
			fmt.Sprintf("%s of %d items were answered “don’t know” or “refused” or left blank; the bound is %s.", pc(f.Value), f.N, pc(f.Threshold)))
	case Duplicate:
		return f.alike(pc)
	case FarAway:
		if f.Why == byMock {
			return both("设备报告定位为模拟位置。", "The device says that the position was made up by a program.")
		}
		return both(fmt.Sprintf("距抽中地点 %.0f 米，计入定位误差后的界限为 %.0f 米。", f.Value, f.Threshold),
			fmt.Sprintf("%.0f m from the drawn place; with the error of the fix the bound is %.0f m.", f.Value, f.Threshold))
	case Night:
		if f.Why == byVisit {
			return both(fmt.Sprintf("入户访问的时间在夜间，夜间已开始 %.0f 分钟。", f.Value), fmt.Sprintf("The visit was at night, %.0f minutes after night began.", f.Value))
		}
		return both(fmt.Sprintf("有 %.0f 分钟在夜间进行，界限为 %.0f 分钟。", f.Value, f.Threshold),
			fmt.Sprintf("%.0f minutes of it were at night; the bound is %.0f.", f.Value, f.Threshold))
	case PersonFit:
		return both(fmt.Sprintf("%d 道知识题中，难题答对而易题答错的题对占 %s；得分相近者的界限为 %s。", f.N, pc(f.Value), pc(f.Threshold)),
			fmt.Sprintf("On %d items, %s of the pairs have the harder one right and the easier one wrong; the bound for people with a like score is %s.", f.N, pc(f.Value), pc(f.Threshold)))
	}
	return f.seenOfEnumerators()
}

// alike writes a duplicate out.
func (f Finding) alike(pc func(float64) string) surveys.Text {
	if f.With == "" {
		return both(fmt.Sprintf("%d 项回答中未发现相近的问卷，界限为 %s。", f.N, pc(f.Threshold)),
			fmt.Sprintf("No interview was found that is like its %d answers; the bound is %s.", f.N, pc(f.Threshold)))
	}
	if f.WithCase != "" {
		return both(fmt.Sprintf("与样本 %s 的问卷的 %d 项回答中有 %s 相同，界限为 %s。", f.WithCase, f.N, pc(f.Value), pc(f.Threshold)),
			fmt.Sprintf("%s of %d answers are those of the interview of case %s; the bound is %s.", pc(f.Value), f.N, f.WithCase, pc(f.Threshold)))
	}
	return both(fmt.Sprintf("与问卷 %s 的 %d 项回答中有 %s 相同，界限为 %s。", f.With, f.N, pc(f.Value), pc(f.Threshold)),
		fmt.Sprintf("%s of %d answers are those of interview %s; the bound is %s.", pc(f.Value), f.N, f.With, pc(f.Threshold)))
}

// seenOfEnumerators writes the findings about enumerators out.
func (f Finding) seenOfEnumerators() surveys.Text {
	m := measures[f.Measure]
	if f.Flag == EnumeratorEffect {
		return both(fmt.Sprintf("%d 份问卷中“%s”的访问员组内相关系数为 %.3f，容许值为 %.3f，校正后 p = %.2g。", f.N, m[surveys.ZH], f.Value, f.Threshold, f.P),
			fmt.Sprintf("In %d interviews the intraclass correlation of enumerators for the %s is %.3f; %.3f is tolerated (adjusted p = %.2g).", f.N, m[surveys.EN], f.Value, f.Threshold, f.P))
	}
	way := surveys.Text{surveys.ZH: "高", surveys.EN: "above"}
	if f.Value < 0 {
		way = surveys.Text{surveys.ZH: "低", surveys.EN: "below"}
	}
	return both(fmt.Sprintf("其 %d 份问卷的“%s”比同地区其他访问员%s %.3f，界限为 %.3f，校正后 p = %.2g。", f.N, m[surveys.ZH], way[surveys.ZH], math.Abs(f.Value), f.Threshold, f.P),
		fmt.Sprintf("Over %d interviews the %s is %.3f %s that of the others in the area; the bound is %.3f (adjusted p = %.2g).", f.N, m[surveys.EN], math.Abs(f.Value), way[surveys.EN], f.Threshold, f.P))
}

func both(zh, en string) surveys.Text { return surveys.Text{surveys.ZH: zh, surveys.EN: en} }

// measures names what enumerators are compared on.
var measures = map[Measure]surveys.Text{
	RightShare:  both("答对比例", "share of right answers"),
	SilentShare: both("未作实质回答的比例", "share of items without an answer"),
	Misfit:      both("答题与难度不符的程度", "misfit of the answers to the order of difficulty"),
	LogPace:     both("用时（对数）", "logarithm of the pace"),
}

// whys completes "cannot be judged, because".
var whys = map[Why]surveys.Text{
	whyFewPages:     both("有计时的页面太少", "too few pages have a time"),
	whyKeyed:        both("是由他人从纸质问卷录入的，用时不是访问的用时", "it was keyed in from paper, and the times are not those of the interview"),
	whyNoVisit:      both("没有录入之前的入户访问记录", "no visit before it was keyed in is on record"),
	whyFewOthers:    both("可比较的问卷太少", "too few interviews can be compared with"),
	whyNoSpread:     both("可比较的问卷之间没有差异", "the interviews that can be compared with do not differ"),
	whyNoBlock:      both("没有足够长的量表题组得到实质回答", "no block of scales that is long enough has substantive answers"),
	whyFewItems:     both("所问或所答的题目太少", "too few items were asked or answered"),
	whyAllAlike:     both("计分题全部答对或全部答错", "the scored items are all right or all wrong"),
	whyNoKey:        both("问卷没有计分题", "the questionnaire has no scored items"),
	whyAlone:        both("没有其他问卷", "there is no other interview"),
	whyNoFix:        both("没有有效的定位", "there is no valid position"),
	whyNoPlace:      both("抽中地点的位置未知", "the position of the drawn place is not known"),
	whyNoAccuracy:   both("定位没有给出精度", "the position has no accuracy"),
	whyInaccurate:   both("定位误差太大", "the position is too inaccurate"),
	whyNotThere:     both("由本人自行作答，不是访问员入户完成的", "it was self-completed, and no enumerator did it at the door"),
	whyNoTime:       both("没有开始或结束时间", "it has no beginning or no end"),
	whyBackward:     both("结束时间早于开始时间", "it ends before it begins"),
	whyLong:         both("持续超过十二小时，实际访问时间不明", "it lasted more than twelve hours, so nobody knows when it was done"),
	whyNoEnumerator: both("不知道访问员是谁", "nobody knows who the enumerator was"),
	whyFewDone:      both("该访问员完成的问卷太少", "the enumerator has done too few interviews"),
	whyNobodyBeside: both("同一地区没有其他完成足够问卷的访问员", "no other enumerator of the area has done enough interviews"),
}
