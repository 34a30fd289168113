"""The front page."""

WORDS: dict[str, str] = {
    "Board": "榜单",
    "Leaderboard": "排行榜",
    "{n} model": "{n} 个模型",
    "{n} models": "{n} 个模型",
    "{n} row that needs none": "{n} 行不需要模型",
    "{n} rows that need none": "{n} 行不需要模型",
    "{n} task": "{n} 项任务",
    "{n} tasks": "{n} 项任务",
    "{n} run": "{n} 次运行",
    "{n} runs": "{n} 次运行",
    "the newest is of {date}": "最新一次于 {date}",
    "{n} run has numbers that do not stand here: another run of the same model is better founded.": (
        "有 {n} 次运行的数值未列于此：同一模型的另一次运行依据更充分。"
    ),
    "{n} runs have numbers that do not stand here: another run of the same model is better founded.": (
        "有 {n} 次运行的数值未列于此：同一模型的另一次运行依据更充分。"
    ),
    "{n} record is left out, and named below.": "有 {n} 份记录未收录，见下文。",
    "{n} records are left out, and named below.": "有 {n} 份记录未收录，见下文。",
    "Find a model": "查找模型",
    "against the reference": "相对基准",
    "No rate is divided by those of {reference}: it has none of a whole area of harm that compares with others.": (
        "没有比率除以 {reference} 的比率：它没有任何完整且可比的风险领域比率。"
    ),
    "Find models by name": "按名称查找模型",
    "Filter": "筛选",
    "Area": "领域",
    "Licence": "许可证",
    "Backend": "后端",
    "all": "全部",
    "any": "不限",
    "Size, billions": "参数量（十亿）",
    "At least so many billion parameters": "参数量下限（十亿）",
    "At most so many billion parameters": "参数量上限（十亿）",
    "Date": "日期",
    "Not before": "不早于",
    "Not after": "不晚于",
    "rows without a model": "不需要模型的行",
    "Reset": "重置",
    "Columns and metrics": "列与指标",
    "{told} of {pairs} neighbouring pairs can be told apart in {column}.": (
        "在“{column}”中，{pairs} 对相邻模型里有 {told} 对可以区分高下。"
    ),
    "Table of models": "模型表",
    "Model": "模型",
    "Rank": "名次",
    "Rows that need no model: what chance and shortcuts score": "不需要模型的行：随机猜测与取巧的得分",
    "{share} missing": "缺失 {share}",
    "{share} cut off": "截断 {share}",
    "{part} tasks": "{part} 项任务",
    "How to read it": "如何阅读",
    "Each number stands with its 95% interval; ↑ higher is better, ↓ lower is better.": (
        "每个数值都附有 95% 区间；↑ 越高越好，↓ 越低越好。"
    ),
    "An area of skill has a mean score, an area of harm a mean rate of what should not be; every task counts the same, and one where the other end is better counts as 100 − its number. In a suite's score a rate of harm counts as 100 − it.": (
        "能力领域给出平均得分，风险领域给出不良回答的平均比率；各任务权重相同，方向相反的任务按 100 − 数值计。在套件得分中，风险比率按 100 − 比率计。"
    ),
    "A rank is an interval: all ranks of a column that are not ruled out, with all pairs of models compared at once on the samples that both answered. Models that may all be the best are one group.": (
        "名次是一个区间：在双方都回答过的样本上同时比较所有模型对，未被排除的名次都在其中。可能同为最佳的模型归为一组。"
    ),
    "– means that there is no number. Missing is never 0, and sorts last. Missing samples, and answers that ran out of tokens, are shares of all.": (
        "– 表示没有数值。缺失绝不算作 0，排序时居末。缺失的样本与因长度用尽而截断的回答以占全部的比例给出。"
    ),
    "† marks numbers that do not compare with the others of their column, since they were asked otherwise; they have no rank. Neither has a mean of only some of its tasks.": (
        "† 标出与本列其他数值不可比的数值，因为提问方式不同；它们没有名次。只含部分任务的平均值也没有名次。"
    ),
    "Each row is one model, run in one way. Of several runs that have a number the best founded is shown: of all samples before a part, of the task's own settings before others, then the newest.": (
        "每行是以一种方式运行的一个模型。多次运行都有数值时，显示依据最充分的一个：全部样本先于部分样本，任务自身设置先于其他设置，其次取最新。"
    ),
    "Rates of harm are divided by those of {reference}; a rate below 0.1% counts as 0.1%.": (
        "风险比率除以 {reference} 的比率；低于 0.1% 的比率按 0.1% 计。"
    ),
    "Of {tables} sample tables {counted} were counted again, some of every record; the manifests and estimates of all records were checked.": (
        "{tables} 张样本表中有 {counted} 张被重新计数，每份记录都有一部分；所有记录的清单与估计值都已核对。"
    ),
    "Samples of {n} tables have pages, those of the best models of each task.": (
        "{n} 张样本表有页面，为各任务最佳模型的样本。"
    ),
    "Records left out": "未收录的记录",
    "These could not be read, and have no part in the numbers above.": "以下记录无法读取，上面的数值不含它们。",
    "Name": "名称",
    "Parameters": "参数量",
    "Type": "数据类型",
    "Newest run": "最新运行",
    "Runs": "运行次数",
    "Runs with numbers behind another's": "数值未采用的运行",
    "Could not be asked": "未能提问的任务",
    "Fingerprints": "指纹数",
    "More on {model}": "{model} 的更多信息",
    "{n} model may be the best": "{n} 个模型可能最佳",
    "{n} models may all be the best": "{n} 个模型可能同为最佳",
    "Show {n} more row": "再显示 {n} 行",
    "Show {n} more rows": "再显示 {n} 行",
    "{n} task could not be asked": "{n} 项任务未能提问",
    "{n} tasks could not be asked": "{n} 项任务未能提问",
    "{n} row": "{n} 行",
    "{n} rows": "{n} 行",
    "sorted by {column}, worst first": "按“{column}”排序，差者在前",
    "sorted by {column}, best first": "按“{column}”排序，优者在前",
    "{file} could not be read": "无法读取 {file}",
    "accuracy": "准确率",
    "quality": "质量",
    "translation": "翻译",
    "summarisation": "摘要",
    "perplexity": "困惑度",
    "hallucination": "幻觉",
    "bias": "偏见",
    "privacy": "隐私",
    "safety": "安全",
    "areas": "领域",
    "suites": "套件",
    "cost": "成本",
    "speed": "速度",
    "score": "得分",
    "rate": "比率",
    "Mean rate of wrong or harmful answers over the tasks of the area, each counting the same.": (
        "该领域各任务中错误或有害回答的平均比率，权重相同。"
    ),
    "Mean score over the tasks of the area, each counting the same.": "该领域各任务的平均得分，权重相同。",
    "Not in it, on another scale or without a better end:": "未计入（尺度不同或无优劣方向）：",
    "Mean over the tasks of the suite, each counting the same; a rate of harm counts as 100 − it.": (
        "套件各任务的平均值，权重相同；风险比率按 100 − 比率计。"
    ),
    "× reference": "相对基准的倍数",
    "grade": "等级",
    "The area's rate divided by that of the reference:": "该领域比率除以基准的比率：",
    "Shown only where the whole interval lies in one band of the ratio to the reference (.5, 1.5, 3):": (
        "仅当整个区间落在相对基准倍数的同一档（.5、1.5、3）时显示："
    ),
    "excellent": "极好",
    "very good": "很好",
    "good": "好",
    "fair": "一般",
    "poor": "差",
    "parameters": "参数量",
    "millions": "百万",
    "memory at most": "内存峰值",
    "scoring": "打分速度",
    "reading prompts": "读入速度",
    "writing": "生成速度",
    "On the machine that each model ran on: speeds compare only where that is the same.": (
        "在各模型运行的机器上测得：机器相同时速度才可比。"
    ),
}
