package making

import (
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// Texts are those that people wrote for the report of a wave; nil when there are none.
func Texts(folder waves.Folder, wave string, lang surveys.Lang) (*report.Texts, error) {
	src, err := folder.Texts(wave, lang)
	if err != nil {
		return nil, err
	}
	return textsIn(folder, wave, lang, src)
}

// textsIn reads the content of a file of texts.
func textsIn(folder waves.Folder, wave string, lang surveys.Lang, src []byte) (*report.Texts, error) {
	if src == nil {
		return nil, nil
	}
	return report.ReadTexts(folder.TextsPath(wave, lang), src)
}
