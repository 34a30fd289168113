# Makes reference.json from clusters.csv, scores.csv and survey's data `api`: Rscript reference.R (in this folder).
# Needs R with the packages clubSandwich, survey, pROC and jsonlite.
suppressPackageStartupMessages({library(clubSandwich); library(survey); library(pROC)})

found <- list()
found$versions <- as.list(c(R = as.character(getRversion()),
  sapply(c("clubSandwich", "survey", "pROC"), function(p) as.character(packageVersion(p)))))

clusters <- read.csv("clusters.csv")
for (name in unique(clusters$set)) {
  own <- subset(clusters, set == name)
  fitted <- lm(value ~ 1, own)
  robust <- coef_test(fitted, vcov = "CR2", cluster = own$cluster, test = "Satterthwaite")
  ends <- conf_int(fitted, vcov = "CR2", cluster = own$cluster, test = "Satterthwaite")
  design <- svydesign(id = ~cluster, data = own, weights = ~rep(1, nrow(own)))
  mean <- svymean(~value, design)
  entry <- list(mean = coef(fitted)[[1]], cr2 = robust$SE, df = if (!is.null(robust$df_Satt)) robust$df_Satt else robust$df,
    low = ends$CI_L, high = ends$CI_U, linearised = SE(mean)[[1]], degf = degf(design))
  if (all(own$value %in% c(0, 1)) && sum(own$value) > 0)
    for (method in c("beta", "xlogit")) {
      ends <- as.numeric(confint(svyciprop(~value, design, method = method)))
      entry[[method]] <- ends
    }
  found$clusters[[name]] <- entry
}

scores <- read.csv("scores.csv")
for (name in unique(scores$set)) {
  own <- subset(scores, set == name)
  curve <- roc(own$positive, own$score, levels = c(0, 1), direction = "<", quiet = TRUE)
  found$areas[[name]] <- list(auc = as.numeric(auc(curve)), stderr = sqrt(var(curve, method = "delong")),
    ci = as.numeric(ci.auc(curve, method = "delong"))[c(1, 3)])
}

for (x in c(0, 1, 3, 12)) for (n in c(5, 12, 40)) if (x <= n) {
  wilson <- suppressWarnings(prop.test(x, n, correct = FALSE)$conf.int)
  exact <- binom.test(x, n)$conf.int
  guard <- binom.test(x, n, conf.level = 0.935)$conf.int
  found$proportions[[paste(x, n)]] <- list(wilson = as.numeric(wilson), exact = as.numeric(exact), guard = as.numeric(guard))
}

data(api)
yes <- apiclus1$sch.wide == "Yes"
found$api <- list(
  clusters = lapply(split(yes, apiclus1$dnum), function(own) c(sum(own), length(own))),
  beta = as.numeric(confint(svyciprop(~I(sch.wide == "Yes"), svydesign(id = ~dnum, data = apiclus1, weights = ~pw), method = "beta"))),
  cr2 = coef_test(lm(yes ~ 1), vcov = "CR2", cluster = apiclus1$dnum)$SE,
  df = coef_test(lm(yes ~ 1), vcov = "CR2", cluster = apiclus1$dnum)$df)

write(jsonlite::toJSON(found, digits = 12, auto_unbox = TRUE, pretty = 2), "reference.json")
