package geo

import "github.com/suyang-survey/suyang/surveys"

// Class is an urban–rural class of the statistical code of a village or residents'
// committee (《统计上划分城乡的规定》, 国函〔2008〕60号).
type Class struct {
	Code  string
	Urban bool
	Name  surveys.Text
}

// classes are all of them.
var classes = []Class{
	{"111", true, surveys.Text{surveys.ZH: "主城区", surveys.EN: "main urban area"}},
	{"112", true, surveys.Text{surveys.ZH: "城乡结合区", surveys.EN: "urban–rural fringe"}},
	{"121", true, surveys.Text{surveys.ZH: "镇中心区", surveys.EN: "centre of a town"}},
	{"122", true, surveys.Text{surveys.ZH: "镇乡结合区", surveys.EN: "fringe of a town"}},
	{"123", true, surveys.Text{surveys.ZH: "特殊区域", surveys.EN: "special area"}},
	{"210", false, surveys.Text{surveys.ZH: "乡中心区", surveys.EN: "centre of a township"}},
	{"220", false, surveys.Text{surveys.ZH: "村庄", surveys.EN: "village"}},
}

// ClassOf returns the urban–rural class of a code such as 111; ok is false for what is none.
func ClassOf(code string) (c Class, ok bool) {
	for _, c := range classes {
		if c.Code == code {
			return c, true
		}
	}
	return Class{}, false
}
