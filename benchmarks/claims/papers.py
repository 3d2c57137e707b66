"""The papers whose claims are tried, each with its BibTeX, once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """How a paper is named in a sentence, and how it is cited."""

    name: str
    bibtex: str


def paper(name: str, kind: str, key: str, **fields: str) -> Paper:
    """A paper and its BibTeX entry."""
    lines = [f"  {field:<13} = {{{value}}}," for field, value in fields.items()]
    return Paper(name, "\n".join([f"@{kind}{{{key},", *lines, "}"]))


def arxiv(number: str) -> dict[str, str]:
    return {"eprint": number, "archiveprefix": "arXiv"}


DLG = paper(
    "Zhu, Liu & Han 2019 (DLG)",
    "inproceedings",
    "zhu2019deep",
    title="Deep Leakage from Gradients",
    author="Zhu, Ligeng and Liu, Zhijian and Han, Song",
    booktitle="Advances in Neural Information Processing Systems",
    year="2019",
    **arxiv("1906.08935"),
)
IDLG = paper(
    "Zhao, Mopuri & Bilen 2020 (iDLG)",
    "misc",
    "zhao2020idlg",
    title="{iDLG}: Improved Deep Leakage from Gradients",
    author="Zhao, Bo and Mopuri, Konda Reddy and Bilen, Hakan",
    year="2020",
    **arxiv("2001.02610"),
)
INVERTING_GRADIENTS = paper(
    "Geiping, Bauermeister, Dröge & Moeller 2020 (Inverting Gradients)",
    "inproceedings",
    "geiping2020inverting",
    title="Inverting Gradients -- How easy is it to break privacy in federated learning?",
    author='Geiping, Jonas and Bauermeister, Hartmut and Dr{\\"o}ge, Hannah and Moeller, Michael',
    booktitle="Advances in Neural Information Processing Systems",
    year="2020",
    **arxiv("2003.14053"),
)
SAPAG = paper(
    "Wang et al. 2020 (SAPAG)",
    "misc",
    "wang2020sapag",
    title="{SAPAG}: A Self-Adaptive Privacy Attack From Gradients",
    author="Wang, Yijue and Deng, Jieren and Guo, Dan and Wang, Chenghong and Meng, Xianrui and Liu, Hang and "
    "Ding, Caiwen and Rajasekaran, Sanguthevar",
    year="2020",
    **arxiv("2009.06228"),
)
GRADINVERSION = paper(
    "Yin et al. 2021 (GradInversion)",
    "inproceedings",
    "yin2021see",
    title="See through Gradients: Image Batch Recovery via {GradInversion}",
    author="Yin, Hongxu and Mallya, Arun and Vahdat, Arash and Alvarez, Jose M. and Kautz, Jan and Molchanov, Pavlo",
    booktitle="IEEE/CVF Conference on Computer Vision and Pattern Recognition",
    year="2021",
    **arxiv("2104.07586"),
)
GENERAL_DEEP_LEAKAGE = paper(
    "Geng et al. 2021 (general deep leakage)",
    "misc",
    "geng2021towards",
    title="Towards General Deep Leakage in Federated Learning",
    author="Geng, Jiahui and Mou, Yongli and Li, Feifei and Li, Qing and Beyan, Oya and Decker, Stefan and "
    "Rong, Chunming",
    year="2021",
    **arxiv("2110.09074"),
)
IMPROVED_LEAKAGE = paper(
    "Geng et al. 2023 (improved gradient inversion)",
    "article",
    "geng2023improved",
    title="Improved Gradient Inversion Attacks and Defenses in Federated Learning",
    author="Geng, Jiahui and Mou, Yongli and Li, Qing and Li, Feifei and Beyan, Oya and Decker, Stefan and "
    "Rong, Chunming",
    journal="IEEE Transactions on Big Data",
    year="2023",
    doi="10.1109/TBDATA.2023.3239116",
)
ILRG = paper(
    "Ma et al. 2023 (iLRG)",
    "inproceedings",
    "ma2023instance",
    title="Instance-wise Batch Label Restoration via Gradients in Federated Learning",
    author="Ma, Kailang and Sun, Yu and Cui, Jian and Li, Dawei and Guan, Zhenyu and Liu, Jianwei",
    booktitle="International Conference on Learning Representations",
    year="2023",
)
ZHENG = paper(
    "Zheng 2021 (dropout as a defence)",
    "misc",
    "zheng2021dropout",
    title="Dropout against Deep Leakage from Gradients",
    author="Zheng, Yanchong",
    year="2021",
    **arxiv("2108.11106"),
)
PRECODE = paper(
    "Scheliga, Mäder & Seeland 2022 (PRECODE)",
    "inproceedings",
    "scheliga2022precode",
    title="{PRECODE} -- A Generic Model Extension to Prevent Deep Gradient Leakage",
    author='Scheliga, Daniel and M{\\"a}der, Patrick and Seeland, Marco',
    booktitle="IEEE/CVF Winter Conference on Applications of Computer Vision",
    pages="1849--1858",
    year="2022",
    **arxiv("2108.04725"),
)
PPP = paper(
    "Scheliga, Mäder & Seeland 2022 (PPP)",
    "misc",
    "scheliga2022combining",
    title="Combining Variational Modeling with Partial Gradient Perturbation to Prevent Deep Gradient Leakage",
    author='Scheliga, Daniel and M{\\"a}der, Patrick and Seeland, Marco',
    year="2022",
    **arxiv("2208.04767"),
)
INSTAHIDE = paper(
    "Huang, Song, Li & Arora 2020 (InstaHide)",
    "inproceedings",
    "huang2020instahide",
    title="{InstaHide}: Instance-hiding Schemes for Private Distributed Learning",
    author="Huang, Yangsibo and Song, Zhao and Li, Kai and Arora, Sanjeev",
    booktitle="International Conference on Machine Learning",
    year="2020",
    **arxiv("2010.02772"),
)
DROPOUT_INVERSION = paper(
    "Scheliga, Mäder & Seeland 2023 (Dropout Inversion Attack)",
    "inproceedings",
    "scheliga2023dropout",
    title="Dropout Is {NOT} All You Need to Prevent Gradient Leakage",
    author='Scheliga, Daniel and M{\\"a}der, Patrick and Seeland, Marco',
    booktitle="AAAI Conference on Artificial Intelligence",
    volume="37",
    number="8",
    pages="9733--9741",
    year="2023",
    **arxiv("2208.06163"),
)
PHONG = paper(
    "Phong et al. 2017",
    "article",
    "phong2017privacy",
    title="Privacy-Preserving Deep Learning via Additively Homomorphic Encryption",
    author="Phong, Le Trieu and Aono, Yoshinori and Hayashi, Takuya and Wang, Lihua and Moriai, Shiho",
    journal="IEEE Transactions on Information Forensics and Security",
    volume="13",
    number="5",
    pages="1333--1345",
    year="2018",
    doi="10.1109/TIFS.2017.2787987",
)
APRIL = paper(
    "Lu et al. 2022 (APRIL)",
    "inproceedings",
    "lu2022april",
    title="{APRIL}: Finding the {Achilles}' Heel on Privacy for Vision Transformers",
    author="Lu, Jiahao and Zhang, Xi Sheryl and Zhao, Tianli and He, Xiangyu and Cheng, Jian",
    booktitle="IEEE/CVF Conference on Computer Vision and Pattern Recognition",
    year="2022",
    **arxiv("2112.14087"),
)
