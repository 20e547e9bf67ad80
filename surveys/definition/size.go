package definition

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/surveys"
)

// A page sends at most maxPage answers, counting every option that can be ticked, and
// a whole interview maxAnswers. A server refuses what is somewhat larger. A form has at
// most maxItems items, notes and rows of grids among them, and maxBooklets booklets.
const (
	maxPage     = 1500
	maxAnswers  = 2000
	maxItems    = 5000
	maxBooklets = 1000
)

// size checks that there are not too many items to look at; if there are, nothing else
// is checked.
func (l *linter) size() bool {
	n := 0
	for range l.q.Items {
		n++
	}
	if n > maxItems {
		l.faultAt("sections", fmt.Sprintf("the questionnaire has %d items, more than %d", n, maxItems), "divide it")
	}
	if len(l.q.Booklets) > maxBooklets {
		l.faultAt("booklets", fmt.Sprintf("there are %d booklets, more than %d", len(l.q.Booklets), maxBooklets), "make fewer")
	}
	return n <= maxItems && len(l.q.Booklets) <= maxBooklets
}

// answers is how many answers an item can get on its page.
func (l *linter) answers(it *surveys.Item) int {
	switch it.Type {
	case surveys.Note, surveys.Grid, surveys.Calculate:
		return 0
	case surveys.Single, surveys.Likert:
		return 1
	case surveys.Multiple, surveys.Ranking:
		return len(l.offered(it))
	case surveys.Date, surveys.Region: // some fields, and boxes beside them
		return 5 + len(it.Options)
	}
	return 1 + len(it.Options)
}

// inAll is how many answers an item can bring to an interview, with all rows.
func (l *linter) inAll(it *surveys.Item) int {
	if it.Type == surveys.Calculate {
		return 1
	}
	n := l.answers(it)
	rows := surveys.MaxRows
	if it.Most > 0 {
		rows = min(rows, it.Most)
	}
	for i := range it.Items {
		n += rows * l.inAll(&it.Items[i])
	}
	return n
}

// largestPage is how many answers the largest page of some items can get.
func (l *linter) largestPage(items []surveys.Item) (largest int) {
	page := 0
	for i := range items {
		it := &items[i]
		if it.Row == "" && (it.Page || it.Timed || i > 0 && items[i-1].Timed || l.q.Paging == surveys.PageItems) {
			page = 0
		}
		page += l.answers(it)
		largest = max(largest, page)
		if len(it.Items) > 0 {
			largest, page = max(largest, l.largestPage(it.Items)), 0
		}
	}
	return largest
}

// load checks that no page and no interview gets more answers than can be sent.
func (l *linter) load() {
	total := map[string]int{}
	for s := range l.q.Sections {
		section := &l.q.Sections[s]
		if n := l.largestPage(section.Items); n > maxPage {
			l.faultAt(fmt.Sprintf("sections[%d]", s), fmt.Sprintf("section %q can get %d answers, more than %d on one page", section.ID, n, maxPage), "divide it, or begin pages in it with “page: true”")
		}
		for i := range section.Items {
			total[section.Items[i].ID] = l.inAll(&section.Items[i])
		}
	}
	if n := largest(l.q.Booklets, total); n > maxAnswers {
		l.faultAt("sections", fmt.Sprintf("an interview can get %d answers, more than %d", n, maxAnswers), "ask less, or divide the questionnaire")
	}
}

// largest is how many answers the largest booklet can get, with the items of everybody.
func largest(booklets []surveys.Booklet, answers map[string]int) int {
	everybody, most := 0, 0
	banked := map[string]bool{}
	for _, b := range booklets {
		n := 0
		for _, id := range b.Items {
			banked[id] = true
			n += answers[id]
		}
		most = max(most, n)
	}
	for id, n := range answers {
		if !banked[id] {
			everybody += n
		}
	}
	return everybody + most
}

// booklets checks that each booklet is a selection of items, in their order.
func (l *linter) booklets() {
	order := map[string]int{}
	for s := range l.q.Sections {
		for i := range l.q.Sections[s].Items {
			order[l.q.Sections[s].Items[i].ID] = len(order)
		}
	}
	var ids names
	share := 0.0
	for b := range l.q.Booklets {
		booklet := &l.q.Booklets[b]
		path := fmt.Sprintf("booklets[%d]", b)
		l.id(path+".id", booklet.ID, nameID)
		ids.add(l, path+".id", booklet.ID)
		if share += booklet.Share; !(booklet.Share > 0) {
			l.faultAt(path, fmt.Sprintf("booklet %q has no share", booklet.ID), "write the probability that a case gets it: “share: 0.5”")
		}
		if len(booklet.Items) == 0 {
			l.faultAt(path, fmt.Sprintf("booklet %q has no items", booklet.ID), "list the IDs of its items: “items: [K1, K2]”")
		}
		last := -1
		for i, id := range booklet.Items {
			at := fmt.Sprintf("%s.items[%d]", path, i)
			place, known := order[id]
			switch {
			case !known:
				l.faultAt(at, fmt.Sprintf("booklet %q has %q, which is no item of a section", booklet.ID, shorten(id)), "use the ID of an item that stands in a section, not in a roster")
				continue
			case place == last:
				l.faultAt(at, fmt.Sprintf("booklet %q has item %q twice", booklet.ID, id), "keep one")
			case place < last:
				l.faultAt(at, fmt.Sprintf("booklet %q has item %q after a later one", booklet.ID, id), "list the items once each, in the order of the questionnaire")
			}
			last = max(last, place)
		}
	}
	if len(l.q.Booklets) > 0 && math.Abs(share-1) > 1e-9 {
		l.faultAt("booklets", fmt.Sprintf("the shares add up to %v", share), "they must make 1; equal shares may be written such as 0.3333333333")
	}
}
