package fieldwork

import (
	"fmt"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
)

// A Class is what a final disposition counts as in the outcome rates. The letters are
// those of the AAPOR Standard Definitions.
type Class uint8

// The classes of final dispositions.
const (
	ClassI  Class = iota + 1 // complete interview
	ClassP                   // partial interview
	ClassR                   // refusal or break-off
	ClassNC                  // eligible, not contacted
	ClassO                   // eligible, no interview for another reason
	ClassUH                  // unknown whether there is a household, or the person, at all
	ClassUO                  // eligibility unknown for another reason
	ClassNE                  // not eligible
)

// classLetters are the letters of the classes, in their order.
var classLetters = [...]string{"", "I", "P", "R", "NC", "O", "UH", "UO", "NE"}

// String gives the letters: I, P, R, NC, O, UH, UO or NE.
func (c Class) String() string {
	if int(c) >= len(classLetters) {
		return fmt.Sprintf("Class(%d)", uint8(c))
	}
	return classLetters[c]
}

// ParseClass reads the letters of a class; false for others.
func ParseClass(letters string) (Class, bool) {
	i := slices.Index(classLetters[:], letters)
	return Class(i), i > 0
}

// eligible says whether a case of the class is known to be eligible.
func (c Class) eligible() bool { return c >= ClassI && c <= ClassO }

// interview says whether a case of the class has an interview.
func (c Class) interview() bool { return c == ClassI || c == ClassP }

// Surveys are the kinds of survey that use a disposition or an outcome, joined by |.
type Surveys uint8

// The kinds of survey. A case of mixed mode may use the codes of all that reach it.
const (
	InPerson   Surveys = 1 << iota // households, visited; one person is selected in each
	WebNamed                       // by a link, to a person known by name before
	WebUnnamed                     // by a link, to whoever is selected at an address

	households = InPerson | WebUnnamed
	onWeb      = WebNamed | WebUnnamed
	allSurveys = InPerson | onWeb
)

// A Code is a final disposition code as AAPOR writes it, such as 2.111.
type Code string

// A Disposition is one row of the table of final disposition codes.
type Disposition struct {
	Code    Code
	Counts  Class
	Surveys Surveys
	Name    surveys.Text
}

// NotAttempted is the disposition of a case nobody has worked on.
const NotAttempted Code = "3.11"

func final(code Code, counts Class, in Surveys, zh, en string) Disposition {
	return Disposition{Code: code, Counts: counts, Surveys: in, Name: inBoth(zh, en)}
}

func inBoth(zh, en string) surveys.Text { return surveys.Text{surveys.ZH: zh, surveys.EN: en} }

// dispositions are the codes of The American Association for Public Opinion Research,
// Standard Definitions: Final Dispositions of Case Codes and Outcome Rates for Surveys,
// 10th edition (2023), for in-person surveys of households and for web surveys of named
// and of unnamed persons. The codes of the third and fourth level were not compared with
// that edition yet; what a code counts as depends on the second. 3.1x counts as UH and
// 3.2x to 3.9x as UO, as the rates there have it.
var dispositions = []Disposition{
	final("1.1", ClassI, allSurveys, "完成访问", "Complete interview"),
	final("1.2", ClassP, allSurveys, "部分完成（信息足够）", "Partial interview with sufficient information"),

	final("2.10", ClassR, allSurveys, "拒访或中断（未细分）", "Refusal or break-off, not specified"),
	final("2.11", ClassR, allSurveys, "拒访（未细分）", "Refusal, not specified"),
	final("2.111", ClassR, households, "住户拒访（被选中者之外的人拒绝，或选人之前拒绝）", "Household-level refusal"),
	final("2.112", ClassR, households, "被选中者本人拒访", "Refusal by the selected person"),
	final("2.111", ClassR, WebNamed, "明确拒绝", "Explicit refusal"),
	final("2.112", ClassR, WebNamed, "以不作为表示的拒绝（未细分）", "Implicit refusal, not specified"),
	final("2.1121", ClassR, WebNamed, "打开问卷但一题未答", "Opened the questionnaire, answered no item"),
	final("2.1122", ClassR, WebNamed, "已读邀请，拒绝", "Read the invitation, refused"),
	final("2.12", ClassR, allSurveys, "中途退出（信息不足）", "Break-off with insufficient information"),

	final("2.20", ClassNC, allSurveys, "未能接触（未细分）", "Non-contact, not specified"),
	final("2.23", ClassNC, InPerson, "无法进入楼院、到达住户", "Unable to enter the building or reach the dwelling"),
	final("2.24", ClassNC, InPerson, "有人居住，上门时无人在家", "Nobody at the residence"),
	final("2.25", ClassNC, households, "被选中者外出、一直不在", "Selected person away or unavailable"),
	final("2.26", ClassNC, onWeb, "调查期间无法联系到本人", "Person unavailable during the field period"),
	final("2.27", ClassNC, onWeb, "已填写，但未在调查期内交回", "Completed, but not returned during the field period"),

	final("2.30", ClassO, allSurveys, "其他未访（未细分）", "Other, not specified"),
	final("2.31", ClassO, allSurveys, "被选中者已去世", "Selected person dead"),
	final("2.32", ClassO, allSurveys, "身体或精神原因不能受访", "Physically or mentally unable"),
	final("2.33", ClassO, allSurveys, "语言障碍（未细分）", "Language barrier, not specified"),
	final("2.331", ClassO, InPerson, "全户语言不通", "Language barrier of the household"),
	final("2.332", ClassO, allSurveys, "被选中者语言不通", "Language barrier of the selected person"),
	final("2.333", ClassO, InPerson, "没有会该语言的访问员", "No enumerator speaks the language"),
	final("2.35", ClassO, InPerson, "场所或活动不允许访问", "Place or activity does not allow an interview"),
	final("2.36", ClassO, allSurveys, "其他原因（含审核退回、预约未成）", "Miscellaneous, such as an interview rejected at the review or an appointment not kept"),

	final("3.10", ClassUH, households, "不知是否为住宅（未细分）", "Unknown if housing unit, not specified"),
	final("3.10", ClassUH, WebNamed, "对本人和地址一无所知", "Nothing known about the person or address"),
	final(NotAttempted, ClassUH, InPerson, "未派访、未上门", "Not attempted or worked"),
	final(NotAttempted, ClassUH, onWeb, "未发出邀请", "No invitation sent"),
	final("3.17", ClassUH, InPerson, "无法到达或不安全地区", "Unable to reach, or unsafe area"),
	final("3.18", ClassUH, InPerson, "找不到地址", "Unable to locate the address"),
	final("3.19", ClassUH, onWeb, "已发邀请，没有任何回音", "Nothing ever returned"),

	final("3.20", ClassUO, households, "有住宅，不知有无合格者（未细分）", "Housing unit, unknown if there is an eligible person"),
	final("3.21", ClassUO, households, "未完成户内过滤登记", "No screener completed"),
	final("3.30", ClassUO, onWeb, "邀请被退回", "Invitation returned undelivered"),
	final("3.40", ClassUO, onWeb, "邀请被退回，附有新地址", "Invitation returned with forwarding information"),
	final("3.90", ClassUO, allSurveys, "其他不明资格", "Unknown eligibility, other"),

	final("4.10", ClassNE, allSurveys, "不在样本范围", "Out of sample"),
	final("4.50", ClassNE, households, "非住宅（未细分）", "Not a housing unit, not specified"),
	final("4.51", ClassNE, households, "商业、机关等单位", "Business, government office or other organization"),
	final("4.52", ClassNE, households, "机构（医院、监所、养老院等）", "Institution"),
	final("4.53", ClassNE, households, "集体居住处（宿舍、工棚等）", "Group quarters"),
	final("4.60", ClassNE, households, "空置住宅（未细分）", "Vacant housing unit, not specified"),
	final("4.61", ClassNE, households, "长期空置", "Regular, vacant residence"),
	final("4.62", ClassNE, households, "季节性、度假或临时住所", "Seasonal, vacation or temporary residence"),
	final("4.63", ClassNE, households, "其他空置", "Other vacant housing unit"),
	final("4.70", ClassNE, allSurveys, "无合格受访者", "No eligible person"),
	final("4.80", ClassNE, allSurveys, "配额已满", "Quota filled"),
	final("4.81", ClassNE, allSurveys, "重复登记", "Duplicate listing"),
	final("4.90", ClassNE, allSurveys, "其他不合格", "Not eligible, other"),
}

// classes are what each code counts as; a code counts as the same in every survey.
var classes = func() map[Code]Class {
	m := make(map[Code]Class)
	for _, d := range dispositions {
		m[d.Code] = d.Counts
	}
	return m
}()

// Dispositions lists the final disposition codes that a survey of the kinds uses, in the
// order of the codes.
func Dispositions(in Surveys) []Disposition {
	return slices.DeleteFunc(slices.Clone(dispositions), func(d Disposition) bool { return d.Surveys&in == 0 })
}

// Class is what the code counts as. A code that is not in the table is an error that
// wraps surveys.ErrInvalid.
func (c Code) Class() (Class, error) {
	if k := classes[c]; k != 0 {
		return k, nil
	}
	return 0, fmt.Errorf("disposition code %q is not in the AAPOR table; take one of those that “Dispositions” lists: %w", c, surveys.ErrInvalid)
}

// Name is the wording of the code in a survey of the kind; the empty text when such a
// survey does not use it.
func (c Code) Name(in Surveys) surveys.Text {
	for _, d := range dispositions {
		if d.Code == c && d.Surveys&in != 0 {
			return d.Name
		}
	}
	return nil
}

// An OutcomeCode names what came of one attempt.
type OutcomeCode string

// The outcomes of a single attempt.
const (
	Completed         OutcomeCode = "complete"
	PartlyCompleted   OutcomeCode = "partial"
	Rejected          OutcomeCode = "rejected"
	HouseholdRefused  OutcomeCode = "household-refused"
	PersonRefused     OutcomeCode = "person-refused"
	Refused           OutcomeCode = "refused"
	OpenedOnly        OutcomeCode = "opened-only"
	BrokenOff         OutcomeCode = "break-off"
	NoAccess          OutcomeCode = "no-access"
	NobodyHome        OutcomeCode = "nobody-home"
	PersonAway        OutcomeCode = "person-away"
	PersonUnavailable OutcomeCode = "person-unavailable"
	ReturnedLate      OutcomeCode = "returned-late"
	Appointment       OutcomeCode = "appointment"
	Listed            OutcomeCode = "listed"
	PersonDead        OutcomeCode = "dead"
	PersonUnable      OutcomeCode = "unable"
	HouseholdLanguage OutcomeCode = "household-language"
	PersonLanguage    OutcomeCode = "person-language"
	NoInterpreter     OutcomeCode = "no-interpreter"
	UnsuitablePlace   OutcomeCode = "unsuitable-place"
	Unsafe            OutcomeCode = "unsafe"
	NotFound          OutcomeCode = "not-found"
	NoAnswer          OutcomeCode = "no-answer"
	Unscreened        OutcomeCode = "unscreened"
	Invited           OutcomeCode = "invited"
	Undelivered       OutcomeCode = "undelivered"
	Forwarded         OutcomeCode = "forwarded"
	OutOfSample       OutcomeCode = "out-of-sample"
	Business          OutcomeCode = "business"
	Institution       OutcomeCode = "institution"
	GroupQuarters     OutcomeCode = "group-quarters"
	Vacant            OutcomeCode = "vacant"
	SeasonalHome      OutcomeCode = "seasonal"
	NobodyEligible    OutcomeCode = "nobody-eligible"
	QuotaFilled       OutcomeCode = "quota-filled"
	Duplicate         OutcomeCode = "duplicate"
)

// An Outcome is one row of the table of outcomes of a single attempt.
type Outcome struct {
	Code    OutcomeCode
	Surveys Surveys
	// Means is the final disposition of a case of which nothing else is known.
	Means Code
	// Settles says that no further attempt is due after it.
	Settles bool
	Name    surveys.Text
}

const (
	settles = true
	goesOn  = false
)

func attempted(code OutcomeCode, means Code, settled bool, in Surveys, zh, en string) Outcome {
	return Outcome{Code: code, Surveys: in, Means: means, Settles: settled, Name: inBoth(zh, en)}
}

// outcomes of a single attempt. They are temporary: what becomes of the case, Resolve says.
var outcomes = []Outcome{
	attempted(Completed, "1.1", settles, allSurveys, "完成", "Complete"),
	attempted(PartlyCompleted, "1.2", settles, allSurveys, "部分完成，信息足够", "Partial with sufficient information"),
	attempted(Rejected, "2.36", goesOn, allSurveys, "审核退回", "Interview rejected at the review"),
	attempted(HouseholdRefused, "2.111", goesOn, households, "住户拒访", "Refused by the household"),
	attempted(PersonRefused, "2.112", goesOn, households, "被选中者拒访", "Refused by the selected person"),
	attempted(Refused, "2.111", settles, WebNamed, "明确拒绝", "Refused explicitly"),
	attempted(OpenedOnly, "2.1121", goesOn, WebNamed, "打开问卷但一题未答", "Opened the questionnaire, answered nothing"),
	attempted(BrokenOff, "2.12", goesOn, allSurveys, "中途退出", "Broke off"),
	attempted(NoAccess, "2.23", goesOn, InPerson, "无法进入楼院", "Could not enter the building"),
	attempted(NobodyHome, "2.24", goesOn, InPerson, "有人居住，无人在家", "Lived in, nobody at home"),
	attempted(PersonAway, "2.25", goesOn, households, "被选中者不在家", "Selected person away"),
	attempted(Listed, "2.25", goesOn, households, "户内登记完成，已选人", "Household listed and a person selected"),
	attempted(PersonUnavailable, "2.26", goesOn, onWeb, "调查期间联系不到", "Person unavailable in the field period"),
	attempted(ReturnedLate, "2.27", settles, onWeb, "逾期交回", "Returned after the field period"),
	attempted(Appointment, "2.36", goesOn, allSurveys, "已预约", "Appointment made"),
	attempted(PersonDead, "2.31", settles, allSurveys, "已去世", "Dead"),
	attempted(PersonUnable, "2.32", settles, allSurveys, "身体或精神原因不能受访", "Physically or mentally unable"),
	attempted(HouseholdLanguage, "2.331", goesOn, InPerson, "全户语言不通", "Language barrier of the household"),
	attempted(PersonLanguage, "2.332", goesOn, allSurveys, "被选中者语言不通", "Language barrier of the person"),
	attempted(NoInterpreter, "2.333", goesOn, InPerson, "没有会该语言的访问员", "No enumerator speaks the language"),
	attempted(UnsuitablePlace, "2.35", goesOn, InPerson, "场所不宜访问", "Place does not allow an interview"),
	attempted(Unsafe, "3.17", goesOn, InPerson, "无法到达或不安全", "Could not be reached, or unsafe"),
	attempted(NotFound, "3.18", goesOn, InPerson, "找不到地址", "Address not found"),
	attempted(NoAnswer, "3.20", goesOn, InPerson, "无人应门，不知有无人居住", "No answer, unknown whether lived in"),
	attempted(Unscreened, "3.21", goesOn, households, "户内登记未完成", "Roster not completed"),
	attempted(Invited, "3.19", goesOn, onWeb, "已发邀请或提醒", "Invitation or reminder sent"),
	attempted(Undelivered, "3.30", goesOn, onWeb, "邀请被退回", "Invitation returned undelivered"),
	attempted(Forwarded, "3.40", goesOn, onWeb, "退回并附新地址", "Returned with a new address"),
	attempted(OutOfSample, "4.10", settles, allSurveys, "不在样本范围", "Out of sample"),
	attempted(Business, "4.51", settles, households, "商业或机关单位", "Business or office"),
	attempted(Institution, "4.52", settles, households, "机构", "Institution"),
	attempted(GroupQuarters, "4.53", settles, households, "集体居住处", "Group quarters"),
	attempted(Vacant, "4.61", settles, households, "空置", "Vacant"),
	attempted(SeasonalHome, "4.62", settles, households, "季节性或临时住所", "Seasonal or temporary residence"),
	attempted(NobodyEligible, "4.70", settles, allSurveys, "无合格受访者", "Nobody eligible"),
	attempted(QuotaFilled, "4.80", settles, allSurveys, "配额已满", "Quota filled"),
	attempted(Duplicate, "4.81", settles, allSurveys, "重复登记", "Duplicate listing"),
}

// Outcomes lists the outcomes of a single attempt that a survey of the kinds uses.
func Outcomes(in Surveys) []Outcome {
	return slices.DeleteFunc(slices.Clone(outcomes), func(o Outcome) bool { return o.Surveys&in == 0 })
}

// outcomeRows are the outcomes by code.
var outcomeRows = func() map[OutcomeCode]Outcome {
	m := make(map[OutcomeCode]Outcome)
	for _, o := range outcomes {
		m[o.Code] = o
	}
	return m
}()

// A Resolution is what the attempts of a case come to.
type Resolution struct {
	Code Code
	// Deciding is the index of the attempt that decides, -1 when there was none.
	Deciding int
	// Settled says that no further attempt is due. The code of a case that is not settled
	// is what it would be if the fieldwork ended now.
	Settled bool
}

// Resolve gives the final disposition of a case from the outcomes of its attempts, in the
// order of time. The first of these rules that applies decides:
//
//  1. An interview: a complete one before a partial one, the latest of each. An interview
//     sets aside what came before it (a converted refusal is no refusal), even one that
//     was rejected later; a rejection takes the interviews before it away and counts
//     itself as eligible without interview, 2.36.
//  2. Eligibility as the latest attempt that could tell has it: when that found the case
//     not eligible, its code.
//  3. Of a case found eligible: a refusal or break-off before another reason before a
//     non-contact, and the latest of its class. Once refused, a door that stays shut is
//     still a refusal.
//  4. Of a case of unknown eligibility: the latest attempt that knew of a dwelling (3.2x),
//     otherwise the latest attempt.
//  5. Without attempts: not attempted, 3.11.
//
// A case is settled when the outcome that decides or the last one settles. An outcome that is not in the
// table is an error that wraps surveys.ErrInvalid.
func Resolve(attempts []OutcomeCode) (Resolution, error) {
	rows := make([]Outcome, len(attempts))
	for i, a := range attempts {
		o, known := outcomeRows[a]
		if !known {
			return Resolution{}, fmt.Errorf("attempt %d has the outcome %q, which is not in the table; take one of those that “Outcomes” lists: %w", i+1, a, surveys.ErrInvalid)
		}
		rows[i] = o
	}
	i := deciding(rows)
	if i < 0 {
		return Resolution{Code: NotAttempted, Deciding: -1}, nil
	}
	return Resolution{Code: rows[i].Means, Deciding: i, Settled: rows[i].Settles || rows[len(rows)-1].Settles}, nil
}

// deciding is the index of the attempt that decides, -1 without attempts.
func deciding(rows []Outcome) int {
	class := func(i int) Class { return classes[rows[i].Means] }
	last := func(from int, is func(i int) bool) int {
		for i := len(rows) - 1; i >= from; i-- {
			if is(i) {
				return i
			}
		}
		return -1
	}
	rejected := last(0, func(i int) bool { return rows[i].Code == Rejected })
	from := max(rejected, 0)
	for _, c := range []Class{ClassI, ClassP} {
		if i := last(from, func(i int) bool { return class(i) == c }); i >= 0 {
			return i
		}
	}
	told := last(from, func(i int) bool { return class(i).eligible() || class(i) == ClassNE })
	if told < 0 {
		if i := last(from, func(i int) bool { return rows[i].Means[:3] == "3.2" }); i >= 0 {
			return i
		}
		return len(rows) - 1
	}
	if class(told) == ClassNE {
		return told
	}
	for _, c := range []Class{ClassR, ClassO} {
		if i := last(from, func(i int) bool { return class(i) == c }); i >= 0 {
			return i
		}
	}
	return told
}
