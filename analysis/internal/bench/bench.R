# Times package survey on the columns that the speed table wrote, and reports its
# answers: Rscript bench.R FOLDER REPETITIONS WORKS, the works separated by commas.
suppressPackageStartupMessages(library(survey))
options(warn = 2)

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
repetitions <- as.integer(arguments[2])
works <- strsplit(arguments[3], ",")[[1]]

say <- function(...) {
  cat(..., sep = "\t")
  cat("\n")
}
say("version", paste0("R ", getRversion(), " with survey ", packageVersion("survey")))

# Columns are binary: levels is 0 for numbers and else that of a factor, coded from 1.
columns <- read.delim(file.path(folder, "columns.tsv"))
read <- function(name, rows, levels) {
  f <- file(file.path(folder, name), "rb")
  on.exit(close(f))
  if (levels == 0) return(readBin(f, "double", rows, endian = "little"))
  structure(readBin(f, "integer", rows, size = 4, endian = "little"),
            levels = as.character(seq_len(levels)), class = "factor")
}
data <- as.data.frame(Map(read, columns$name, columns$rows, columns$levels))

# As many runs as asked for, but none is begun after ten seconds.
time <- function(work, run) {
  begun <- proc.time()[["elapsed"]]
  for (i in seq_len(repetitions)) {
    invisible(gc())
    started <- proc.time()[["elapsed"]]
    result <- run()
    ended <- proc.time()[["elapsed"]]
    say("time", work, ended - started)
    if (ended - begun > 10) break
  }
  result
}
report <- function(work, value, se, covariance = NULL) {
  for (i in seq_along(value)) {
    say("estimate", work, sprintf("%.17g", value[i]), sprintf("%.17g", se[i]))
  }
  for (c in as.vector(covariance)) say("covariance", work, sprintf("%.17g", c))
}

describe <- function() svydesign(~psu, strata = ~stratum, weights = ~weight, data = data, nest = TRUE)
if ("design" %in% works) {
  d <- time("design", describe)
  report("design", degf(d), 0)
} else {
  d <- describe()
}
if ("mean" %in% works) {
  m <- time("mean", function() svymean(~score, d))
  report("mean", coef(m), SE(m))
}
# The first factor of svyby moves fastest; the table has the last one fastest.
if ("domains" %in% works) {
  b <- time("domains", function() svyby(~score, ~region + sex + age_group, d, svymean, covmat = TRUE))
  o <- order(b$region, b$sex, b$age_group)
  report("domains", coef(b)[o], SE(b)[o], vcov(b)[o, o])
}
if ("quantiles" %in% works) {
  b <- time("quantiles", function() {
    svyby(~score, ~region + sex + age_group, d, svyquantile, quantiles = 0.5, vartype = "se")
  })
  o <- order(b$region, b$sex, b$age_group)
  report("quantiles", coef(b)[o], SE(b)[o])
}
model <- literate ~ sex + age_group + education + residence + ethnicity + income + internet + employment
fit <- function(work, formula) {
  g <- time(work, function() svyglm(formula, d, family = quasibinomial))
  report(work, coef(g), SE(g), vcov(g))
}
if ("logit" %in% works) fit("logit", model)
if ("numeric" %in% works) fit("numeric", update(model, . ~ age + .))

# Level l of a margin has a share of 1e8 people in proportion to l + 4.
margins <- c("region", "sex", "age_group", "education", "residence")
known <- lapply(margins, function(f) {
  share <- seq_len(nlevels(data[[f]])) + 4
  setNames(data.frame(levels(data[[f]]), 1e8 * share / sum(share)), c(f, "Freq"))
})
raked <- function(d) rake(d, lapply(margins, reformulate), known, control = list(maxit = 200, epsilon = 1e-12))

# The factor of each crossing of the margins; NA where there is nobody.
if ("rake" %in% works) {
  r <- time("rake", function() raked(d))
  code <- 0
  for (f in margins) code <- code * nlevels(data[[f]]) + unclass(data[[f]]) - 1
  crossings <- prod(sapply(margins, function(f) nlevels(data[[f]])))
  factor <- (weights(r) / data$weight)[match(seq_len(crossings) - 1, code)]
  report("rake", factor, 0 * seq_len(crossings))
}
if ("jkn" %in% works) {
  m <- time("jkn", function() svymean(~score, as.svrepdesign(d, type = "JKn", mse = TRUE)))
  report("jkn", coef(m), SE(m))
}
if ("bootstrap" %in% works) {
  size <- file.size(file.path(folder, "multipliers")) / 8
  multipliers <- matrix(readBin(file.path(folder, "multipliers"), "double", size, endian = "little"), nrow(data))
  replicates <- ncol(multipliers)
  m <- time("bootstrap", function() {
    b <- svrepdesign(data = data, weights = ~weight, repweights = multipliers * data$weight, type = "other",
                     combined.weights = TRUE, scale = 1 / (replicates - 1), rscales = rep(1, replicates), mse = FALSE)
    svymean(~score, raked(b))
  })
  report("bootstrap", coef(m), SE(m))
}
