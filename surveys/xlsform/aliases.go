package xlsform

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// columns are the ways in which people head a column, by the column meant.
var columns = map[string]string{
	"type": "type", "command": "type",
	"name": "name", "tag": "name", "value": "name", "list_name": "list_name", "list": "list_name",
	"label": "label", "caption": "label", "hint": "hint", "guidance_hint": "guidance_hint",
	"required": "required", "bind::required": "required", "skippable": "required",
	"required_message": "required_message", "bind::jr:requiredmsg": "required_message",
	"relevant": "relevant", "relevance": "relevant", "bind::relevant": "relevant", "skip_logic": "relevant",
	"constraint": "constraint", "bind::constraint": "constraint",
	"constraint_message": "constraint_message", "constraining_message": "constraint_message", "bind::jr:constraintmsg": "constraint_message",
	"calculation": "calculation", "calculate": "calculation", "bind::calculate": "calculation",
	"readonly": "readonly", "read_only": "readonly", "bind::readonly": "readonly",
	"default": "default", "appearance": "appearance", "control::appearance": "appearance",
	"choice_filter": "choice_filter", "parameters": "parameters", "trigger": "trigger",
	"repeat_count": "repeat_count", "jr:count": "repeat_count", "count": "repeat_count", "control::jr:count": "repeat_count",
	"image": "image", "media::image": "image",
	"audio": "media::audio", "media::audio": "media::audio", "video": "media::video", "media::video": "media::video",
	"form_title": "form_title", "title": "form_title", "set_form_title": "form_title",
	"form_id": "form_id", "id_string": "form_id", "set_form_id": "form_id",
	"version": "version", "default_language": "default_language",
}

// types are the ways in which people write a type, by the type meant. Those of choices
// are followed by the name of a list.
var types = map[string]string{
	"text": "text", "string": "text", "add_text_prompt": "text", "q_string": "text",
	"integer": "integer", "int": "integer", "q_int": "integer", "add_integer_prompt": "integer",
	"decimal": "decimal", "dec": "decimal", "q_decimal": "decimal", "add_decimal_prompt": "decimal",
	"range": "range", "date": "date", "q_date": "date", "add_date_prompt": "date",
	"note": "note", "add_note_prompt": "note", "q_note": "note", "trigger": "acknowledge", "acknowledge": "acknowledge", "q_acknowledge": "acknowledge",
	"calculate": "calculate", "q_calculate": "calculate", "add_calculate_prompt": "calculate",
	"time": "time", "datetime": "datetime",
	"select_one": "select_one", "select1": "select_one", "select_one_from": "select_one", "add_select_one_prompt_using": "select_one", "select_one_using": "select_one",
	"select_multiple": "select_multiple", "select_multiple_from": "select_multiple", "select_multiple_using": "select_multiple", "select": "select_multiple",
	"select_all_that_apply": "select_multiple", "select_all_that_apply_from": "select_multiple", "add_select_multiple_prompt_using": "select_multiple",
	"rank": "rank", "odk:rank": "rank",
	"begin_group": "begin_group", "begin_lgroup": "begin_group", "end_group": "end_group", "group": "begin_group",
	"begin_repeat": "begin_repeat", "end_repeat": "end_repeat", "begin_lrepeat": "begin_repeat",
}

// recorded are types of rows that ask nothing: a phone fills them in. An interview has
// its own times.
var recorded = []string{"start", "end", "today", "deviceid", "subscriberid", "simserial", "phonenumber", "phone_number", "username", "email",
	"audit", "start-geopoint", "background-audio", "imei", "device_id", "get_today", "get_start_time", "get_end_time"}

// word writes a type or heading in one way: small letters, _ for spaces.
func word(s string) string {
	return strings.Join(strings.Fields(strings.ToLower(strings.NewReplacer("_", " ").Replace(s))), "_")
}

// kind reads a type: its name, the name of a list, and whether "other" is offered too.
// It is "" when there is no such type.
func kind(s string) (name, list string, other bool) {
	fields := strings.Fields(s)
	if n := len(fields); n > 1 {
		switch last := strings.ToLower(fields[n-1]); {
		case last == "or_other", last == "other" && strings.EqualFold(fields[n-2], "or"):
			other = true
			fields = fields[:n-1]
			if last == "other" {
				fields = fields[:n-2]
			}
		}
	}
	for n := len(fields); n > 0; n-- {
		if name = types[word(strings.Join(fields[:n], " "))]; name != "" {
			list = strings.Join(fields[n:], " ")
			break
		}
	}
	choice := name == "select_one" || name == "select_multiple" || name == "rank"
	if name == "" || choice == (list == "") {
		return "", "", false
	}
	return name, list, other
}

// A heading is what a column holds: which, and in which language.
type heading struct{ column, lang string }

// head reads the heading of a column. Those with a prefix of our own keep it.
func head(s string) heading {
	s = strings.TrimSpace(s)
	if own, ok := strings.CutPrefix(s, ownPrefix); ok {
		return heading{column: ownPrefix + own}
	}
	sep := "::"
	if !strings.Contains(s, sep) && !strings.Contains(strings.ToLower(s), "jr:") && !strings.Contains(strings.ToLower(s), "odk:") {
		sep = ":"
	}
	parts := strings.Split(s, sep)
	for n := len(parts); n > 0; n-- {
		names := make([]string, n)
		for i := range names {
			names[i] = word(parts[i])
		}
		if c := columns[strings.Join(names, "::")]; c != "" {
			return heading{c, strings.TrimSpace(strings.Join(parts[n:], sep))}
		}
	}
	return heading{column: word(s)}
}

var languageCode = regexp.MustCompile(`\(([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\)\s*$`)

// languages are names of languages that people write without a code.
var languages = map[string]string{
	"english": "en", "chinese": "zh", "中文": "zh", "简体中文": "zh", "汉语": "zh", "french": "fr", "français": "fr", "spanish": "es", "español": "es",
	"arabic": "ar", "russian": "ru", "portuguese": "pt", "german": "de", "swahili": "sw", "hindi": "hi", "tibetan": "bo", "uyghur": "ug", "mongolian": "mn",
}

var plainTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)

// languageTag reads the name of a language, such as "English (en)"; "" when it has no
// code and is not known.
func languageTag(s string) string {
	if m := languageCode.FindStringSubmatch(s); m != nil {
		first, rest, more := strings.Cut(m[1], "-")
		if more {
			rest = "-" + rest
		}
		return strings.ToLower(first) + rest
	}
	if tag := languages[strings.ToLower(strings.TrimSpace(s))]; tag != "" {
		return tag
	}
	if plainTag.MatchString(s) {
		return s
	}
	return ""
}

// yesNo reads what people write for yes and no.
func yesNo(s string) (yes, ok bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "yes", "true", "true()", "1", "y", "是":
		return true, true
	case "no", "false", "false()", "0", "n", "", "否":
		return false, true
	}
	return false, false
}

// sortedKeys are the keys of a map with text keys, in order.
func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
