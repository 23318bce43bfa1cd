"""What figures of merit and charts mean, for a reader who meets them for the first time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MetricWords:
    """A metric's name, what it says in one sentence, and whether more is better."""

    title: str
    meaning: str
    more_is_better: bool
    best: float | None = None


METRICS: Mapping[str, MetricWords] = {
    "roc_auc": MetricWords(
        "area under the ROC curve",
        "how often a random positive row gets a higher score than a random negative one:"
        " 0.5 is guessing, 1 is perfect",
        True,
        1.0,
    ),
    "roc_auc_ovr": MetricWords(
        "mean area under the ROC curve",
        "the same as the area under the ROC curve, averaged over the classes:"
        " 0.5 is guessing, 1 is perfect",
        True,
        1.0,
    ),
    "average_precision": MetricWords(
        "average precision", "precision averaged over all levels of recall: 1 is perfect", True, 1.0
    ),
    "log_loss": MetricWords(
        "log loss",
        "how surprised the predicted probabilities are by the truth: 0 is perfect, lower is better",
        False,
        0.0,
    ),
    "brier_score": MetricWords(
        "Brier score", "mean squared error of the probabilities: 0 is perfect", False, 0.0
    ),
    "accuracy": MetricWords("accuracy", "the share of rows with the right label", True, 1.0),
    "balanced_accuracy": MetricWords(
        "balanced accuracy", "the mean share found of each class, rare ones count alike", True, 1.0
    ),
    "f1": MetricWords("F1", "the balance of precision and recall: 1 is perfect", True, 1.0),
    "f1_macro": MetricWords("F1 (macro)", "F1 averaged over the classes", True, 1.0),
    "f1_weighted": MetricWords("F1 (weighted)", "F1 weighted by the size of classes", True, 1.0),
    "precision": MetricWords("precision", "of the rows called positive, how many are", True, 1.0),
    "recall": MetricWords("recall", "of the positive rows, how many were found", True, 1.0),
    "rmse": MetricWords(
        "root mean squared error",
        "the typical size of an error in the target's own unit, large errors counting more:"
        " 0 is perfect",
        False,
        0.0,
    ),
    "mae": MetricWords(
        "mean absolute error", "the mean size of an error in the target's own unit", False, 0.0
    ),
    "r2": MetricWords(
        "R²", "the share of the target's variation that is explained: 1 is perfect", True, 1.0
    ),
    "mase": MetricWords(
        "MASE", "the error next to that of repeating the last season: below 1 is better", False, 0.0
    ),
    "wape": MetricWords(
        "weighted absolute percentage error",
        "all errors together next to all values together: 0 is perfect",
        False,
        0.0,
    ),
    "silhouette": MetricWords(
        "silhouette",
        "how much closer rows are to their own group than to the next: from −1 to 1",
        True,
        1.0,
    ),
    "calinski_harabasz": MetricWords(
        "Calinski-Harabasz index",
        "how much groups differ next to how much rows within them do: more is better",
        True,
    ),
    "davies_bouldin": MetricWords(
        "Davies-Bouldin index", "how alike neighbouring groups are: lower is better", False, 0.0
    ),
    "clusters": MetricWords("groups", "how many groups were found", True),
    "interval_coverage": MetricWords(
        "coverage of the intervals", "the share of true values inside the given interval", True
    ),
}

CHARTS: Mapping[str, str] = {
    "histogram": "Each bar counts the rows whose value lies in its range.",
    "target_histogram": "Each bar counts the rows whose target lies in its range.",
    "text_lengths": "Each bar counts the texts of a length.",
    "bar": "Each bar counts the rows of a category.",
    "tokens": "Each bar counts the rows whose text holds the word.",
    "target_distribution": "Each bar counts the rows of a class of the target.",
    "target_rate": "Each bar shows the target among the rows of one range or category.",
    "missing_share": "Each bar shows what share of a column's cells is missing.",
    "missingness": "Dark where cells are missing: columns that fade together lack values together.",
    "correlation": "The further from zero, the more two columns move together.",
    "scatter": "Each point is a row.",
    "box": "The box holds the middle half of the rows, its line the median.",
    "forecast": "What was, what is foretold, and how far off it may be.",
    "error_by_step": "How the error grows with the steps ahead; 1 is that of a naive step.",
    "timeline": "How many rows fall into each stretch of time.",
    "line": "How the value goes over time.",
    "importance": "How much worse the model gets when a column is shuffled, with its spread.",
    "leaderboard": "The score of each candidate, with its spread over the folds.",
    "roc": "The further the curve bends to the upper left, the better; the diagonal is guessing.",
    "precision_recall": "How precise the model is at each share of positives found.",
    "calibration": "On the diagonal, predicted probabilities come true as often as they say.",
    "confusion_matrix": "Rows are the truth, columns what was predicted; errors lie off the diagonal.",
    "predicted_vs_actual": "Each point is a row; on the diagonal the prediction is right.",
    "residuals": "Errors against predictions; a pattern says that something is left to learn.",
    "learning_curve": "How the score grows with the number of rows.",
    "dependence": "How the prediction goes with one column, the others as they are.",
    "clusters": "Rows that lie together are alike; colours are the groups that were found.",
}
