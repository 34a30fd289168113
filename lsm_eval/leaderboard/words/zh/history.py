"""The page of a name's history."""

WORDS: dict[str, str] = {
    "signature": "签名",
    "model": "模型",
    "version": "版本",
    "machine": "机器",
    "History of {name}": "{name} 的历史",
    "The name stands for several rows of the board, which differ in their fingerprint:": "此名称对应榜单的多行，它们的指纹不同：",
    "{task}, {metric} over runs; the numbers stand in the table below": "{task} 的 {metric} 随运行的变化；数值见下表",
    "Row": "行",
    "What changed since the run before": "与前一次运行相比的变化",
    "the first run": "第一次运行",
    "nothing that the records hold": "记录中没有任何变化",
    "not comparable with the run before": "与前一次运行不可比",
    "No number was measured by more than one run.": "没有数值经过多次运行测量。",
    "Runs of {task}, {metric}": "{task} 的 {metric} 的各次运行",
    "{n} run.": "{n} 次运行。",
    "{n} runs, the oldest first.": "{n} 次运行，最早的在前。",
    "{n} task was measured once": "{n} 项任务只测量过一次",
    "{n} tasks were measured once": "{n} 项任务只测量过一次",
}
