"""The pages of samples."""

WORDS: dict[str, str] = {
    "Mark": "标记",
    "Choice": "选项",
    "Share": "占比",
    "Log-prob.": "对数概率",
    "per token": "每词元",
    "Tokens": "词元",
    "Greedy": "贪心",
    "right": "正确",
    "picked": "所选",
    "yes": "是",
    "cluster": "簇",
    "Prompt": "提示",
    "Choices": "选项",
    "Thoughts, not scored": "思考过程（不计分）",
    "Answer": "回答",
    "ended by:": "结束原因：",
    "Target": "参考答案",
    "{n} more are not shown": "另有 {n} 项未显示",
    "Other requests of this sample": "此样本的其他请求",
    "Failure": "失败",
    "Metadata": "元数据",
    "This sample is very long: less of it is shown than of others.": "此样本很长：显示的内容少于其他样本。",
    "wrong": "错误",
    "missing": "缺失",
    "truncated": "截断",
    "unlike most other models": "与多数其他模型不同",
    "slow": "慢",
    "failed: {why}": "失败：{why}",
    "{n} token cut": "截去 {n} 个词元",
    "{n} tokens cut": "截去 {n} 个词元",
    "disagrees": "不一致",
    "right among the others:": "其他模型中答对：",
    "seconds": "秒",
    "Show texts": "显示文本",
    "may be harmful or offensive": "可能有害或冒犯",
    "Samples of {task}, answered by {model} in run {run}.": "{task} 的样本，由 {model} 在运行 {run} 中作答。",
    "All models on this task": "此任务的所有模型",
    "All numbers of this model": "此模型的全部数值",
    "Prompts and answers of this task may be harmful or offensive, and stay folded away until you open them.": (
        "此任务的提示与回答可能有害或冒犯，在您展开之前保持折叠。"
    ),
    "The licence of the data does not let others be shown its texts: in place of each stands its SHA-256, by which whoever has the text can check it.": (
        "数据的许可不允许展示其文本：每段文本以其 SHA-256 代替，持有原文者可据此核对。"
    ),
    "The record withholds the texts of this task: in place of each stands its SHA-256, by which whoever has the text can check it.": (
        "记录隐去了此任务的文本：每段文本以其 SHA-256 代替，持有原文者可据此核对。"
    ),
    "Filter the samples": "筛选样本",
    "Only samples that are all of": "只显示同时满足以下各项的样本",
    "Search the texts": "搜索文本",
    "Show all": "全部显示",
    "Show more": "显示更多",
    "{n} sample.": "{n} 个样本。",
    "All {n} samples.": "全部 {n} 个样本。",
    "The first {n} of {total} samples.": "{total} 个样本中的前 {n} 个。",
    "Without JavaScript the first {n} are shown.": "没有 JavaScript 时显示前 {n} 个。",
    "Further samples, as data:": "其余样本（数据形式）：",
    "The full table is {path} in the reports folder.": "完整的表是记录文件夹中的 {path}。",
    "Texts are cut after {n} characters, and characters that cannot be seen are written as ⟨U+…⟩.": (
        "文本在 {n} 个字符后截断，看不见的字符写作 ⟨U+…⟩。"
    ),
    "A dot marks the choice with the highest log-probability, before any normalisation by a metric; of equal ones, all. Its share is of the probability of all choices together.": (
        "圆点标记对数概率最高的选项（未经指标归一化；相等者都标记）。占比是在所有选项的总概率中所占的份额。"
    ),
    "The task's first metric says of no single sample whether it is right: none is called wrong.": (
        "此任务的首要指标不判定单个样本的对错：没有样本被称为错误。"
    ),
    "No samples are shown.": "不显示样本。",
    "Searched {n} of {total} samples …": "已搜索 {total} 个样本中的 {n} 个……",
    "{n} samples are shown, of the first {at} of {total}.": "显示 {n} 个样本，出自 {total} 个中的前 {at} 个。",
    "Samples {first} to {last} of {total} are shown.": "显示第 {first} 至 {last} 个样本，共 {total} 个。",
    "{n} sample matches.": "{n} 个样本符合。",
    "{n} samples match.": "{n} 个样本符合。",
    "No sample matches.": "没有样本符合。",
    "A part of the samples cannot be loaded: is the folder of this page whole?": (
        "一部分样本无法载入：此页面所在的文件夹是否完整？"
    ),
}
