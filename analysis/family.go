package analysis

import (
	"fmt"
	"math"
)

// Family is the distribution that gives a model its variance function and deviance.
type Family string

// The families of models.
const (
	Gaussian Family = "gaussian" // V(μ) = 1, link identity
	Binomial Family = "binomial" // V(μ) = μ(1−μ), link logit
	Poisson  Family = "poisson"  // V(μ) = μ, link log
)

// Link is the function g that makes g(μ) linear in the coefficients.
type Link string

// The links of models.
const (
	Identity Link = "identity" // μ
	Log      Link = "log"      // log μ
	Logit    Link = "logit"    // log μ/(1−μ)
	Probit   Link = "probit"   // Φ⁻¹(μ)
	CLogLog  Link = "cloglog"  // log(−log(1−μ))
)

// glm is a family with a link, as numbers: the loops over people choose by them.
type glm struct {
	family    family
	link      link
	canonical bool
}

type family uint8

const (
	gaussian family = iota
	binomial
	poisson
)

type link uint8

const (
	identityLink link = iota
	logLink
	logitLink
	probitLink
	clogLogLink
)

// glm checks the family and the link, and chooses the canonical one.
func (m Model) glm() (glm, error) {
	var g glm
	switch m.Family {
	case Gaussian:
		g = glm{gaussian, identityLink, true}
	case Binomial:
		g = glm{binomial, logitLink, true}
	case Poisson:
		g = glm{poisson, logLink, true}
	default:
		return g, fmt.Errorf("family %q is unknown; use %s, %s or %s", m.Family, Gaussian, Binomial, Poisson)
	}
	if m.Link == "" {
		return g, nil
	}
	l, known := map[Link]link{Identity: identityLink, Log: logLink, Logit: logitLink, Probit: probitLink, CLogLog: clogLogLink}[m.Link]
	if !known {
		return g, fmt.Errorf("link %q is unknown; use %s, %s, %s, %s or %s", m.Link, Identity, Log, Logit, Probit, CLogLog)
	}
	return glm{g.family, l, l == g.link}, nil
}

// mean is μ = g⁻¹(η) and its slope dμ/dη.
func (l link) mean(eta float64) (mu, slope float64) {
	switch l {
	case logitLink:
		e := math.Exp(-math.Abs(eta))
		mu = 1 / (1 + e)
		slope = e * mu * mu
		if eta < 0 {
			mu = e * mu
		}
		return mu, slope
	case logLink:
		mu = math.Exp(eta)
		return mu, mu
	case probitLink:
		return 0.5 * math.Erfc(-eta/math.Sqrt2), math.Exp(-eta*eta/2) / math.Sqrt(2*math.Pi)
	case clogLogLink:
		e := math.Exp(eta)
		return -math.Expm1(-e), e * math.Exp(-e)
	}
	return eta, 1
}

// linear is η = g(μ).
func (l link) linear(mu float64) float64 {
	switch l {
	case logitLink:
		return math.Log(mu / (1 - mu))
	case logLink:
		return math.Log(mu)
	case probitLink:
		return -math.Sqrt2 * math.Erfcinv(2*mu)
	case clogLogLink:
		return math.Log(-math.Log1p(-mu))
	}
	return mu
}

// variance is V(μ), kept away from zero where a mean reaches the end of its range.
func (f family) variance(mu float64) float64 {
	const least = 1e-15
	switch f {
	case binomial:
		return max(mu*(1-mu), least)
	case poisson:
		return max(mu, least)
	}
	return 1
}

// valid says whether μ is a mean that the family can have.
func (f family) valid(mu float64) bool {
	switch f {
	case binomial:
		return mu >= 0 && mu <= 1
	case poisson:
		return mu >= 0 && !math.IsInf(mu, 1)
	}
	return !math.IsNaN(mu) && !math.IsInf(mu, 0)
}

// start is a mean near y inside the range of the family, from which g(μ) exists.
func (f family) start(y float64) float64 {
	switch f {
	case binomial:
		return min(max(y, 1e-6), 1-1e-6)
	case poisson:
		return max(y, 1e-6)
	}
	return y
}

// working is the score factor s = (y−μ)·(dμ/dη)/V and the information (dμ/dη)²/V of one
// person at η. For a canonical link the slope is V itself.
func (g glm) working(y, eta float64) (mu, score, information float64) {
	mu, slope := g.link.mean(eta)
	if g.canonical {
		return mu, y - mu, slope
	}
	v := g.family.variance(mu)
	return mu, (y - mu) * slope / v, slope * slope / v
}

// deviance is twice the distance in log likelihood between y and μ as its mean.
func (f family) deviance(y, mu float64) float64 {
	switch f {
	case binomial:
		return 2 * (xlogxy(y, mu) + xlogxy(1-y, 1-mu))
	case poisson:
		return 2 * (xlogxy(y, mu) - (y - mu))
	}
	return (y - mu) * (y - mu)
}

// xlogxy is y·log(y/μ), 0 for y = 0.
func xlogxy(y, mu float64) float64 {
	switch {
	case y == 0:
		return 0
	case y == 1:
		return -math.Log(mu)
	}
	return y * math.Log(y/mu)
}

// entropy is h with deviance(y, μ) = 2(h(y) − h(μ) − h′(μ)(y−μ)), so that the deviance
// of several people with the same μ is that of their mean plus Σw·2(h(y) − h(ȳ)).
func (f family) entropy(y float64) float64 {
	switch f {
	case binomial:
		if y == 0 || y == 1 {
			return 0
		}
		return y*math.Log(y) + (1-y)*math.Log1p(-y)
	case poisson:
		if y == 0 {
			return 0
		}
		return y*math.Log(y) - y
	}
	return y * y / 2
}

// entropyOf is Σw·h(y) over people of whom only sums are known; NaN where it is no
// function of them, as for counts and for shares between 0 and 1.
func (f family) entropyOf(s Sum) float64 {
	switch {
	case f == gaussian:
		return s.WY2 / 2
	case f == binomial && math.Abs(s.WY-s.WY2) <= sameAnswer*s.W:
		return 0
	}
	return math.NaN()
}

// checkSums says what is wrong with the outcomes of people of whom only sums are known,
// "" when nothing can be seen. Shares are no smaller than their squares.
func (f family) checkSums(s Sum) string {
	slack := sameAnswer * s.W
	switch {
	case f == binomial && !(s.WY >= -slack && s.WY <= s.W+slack && s.WY2 <= s.WY+slack):
		return "there are zeros and ones, or shares between 0 and 1"
	case f == poisson && !(s.WY >= 0):
		return "counts are not negative"
	}
	return ""
}
