"""The words of the simulated company: its people, what its issues are about, and what trackers must survive."""

from __future__ import annotations

from random import Random
from typing import Final

from pmo_sync.demo.company import Worker

_PEOPLE: Final = (
    "Siti Rahmawati", "Budi Santoso", "Dewi Lestari", "Agus Setiawan", "Rina Wulandari", "Eko Prasetyo",
    "Maya Anggraini", "Hendra Gunawan", "Putri Maharani", "Yusuf Hidayat", "Intan Permatasari", "Fajar Nugroho",
    "Ratna Sari", "Bayu Saputra", "Nadia Kusuma", "Rizky Ramadhan", "Wayan Suardana", "Made Ayu Lestari",
    "Tiur Simanjuntak", "Johannes Siregar", "Ningsih Hartono", "Dimas Wicaksono", "Laras Puspita", "Arief Budiman",
    "Grace Tanuwijaya", "Michael Halim", "Emily Carter", "Oliver Bennett", "Priya Raman", "Kenji Morita",
    "Anna Lindqvist", "Thomas Keller", "Fatimah Zahra", "Galih Pratama", "Sekar Ayuningtyas", "Teguh Wibowo",
)  # fmt: skip

_VERBS: Final = (
    "Add", "Fix", "Migrate", "Document", "Automate", "Validate", "Speed up", "Retire", "Split", "Monitor",
    "Tambahkan", "Perbaiki", "Sederhanakan", "Uji ulang",
)  # fmt: skip
_DETAILS: Final = (
    "for corporate customers", "in the night batch", "on low-end phones", "after a partial failure", "with audit trail",
    "for the Surabaya branch", "when the partner times out", "in Bahasa Indonesia", "before month-end closing", "",
    "for joint accounts", "under peak load", "untuk nasabah baru", "di lingkungan produksi", "", "",
)  # fmt: skip

TOPICS: Final = {
    "payments": (
        "QRIS settlement", "BI-FAST transfer", "virtual account callback", "refund reconciliation", "merchant fee table",
        "payment receipt", "chargeback queue", "standing order", "transfer limit", "settlement report",
    ),
    "mobile": (
        "login screen", "balance widget", "push notification", "transfer wizard", "biometric prompt", "statement export",
        "card freeze", "budget planner", "app rating dialog", "deep link",
    ),
    "onboarding": (
        "e-KTP scan", "liveness check", "risk scoring", "address lookup", "consent form", "Dukcapil interface",
        "rejected application mail", "branch hand-over", "NPWP field", "watchlist screening",
    ),
    "audit": ("OJK evidence request", "access review", "retention schedule", "control matrix"),
    "core": (
        "general ledger posting", "interest accrual", "account opening service", "end-of-day job", "teller interface",
        "deposit product setup", "currency table", "batch scheduler", "customer master", "posting rules",
    ),
    "lending": (
        "credit memo", "collateral register", "SLIK inquiry", "approval matrix", "disbursement order",
        "repayment schedule", "restructuring form", "scoring model", "document checklist", "collector app",
    ),
    "warehouse": (
        "customer dimension", "ledger extract", "branch dashboard", "history load", "data quality rule",
        "regulatory report", "source mapping", "reconciliation view",
    ),
    "finance": (
        "purchase order workflow", "vendor master", "e-Faktur interface", "cost centre tree", "budget upload",
        "travel claim", "asset register", "payment run", "closing checklist", "PPh 23 calculation",
    ),
    "gateway": (
        "acquirer adapter", "tokenisation service", "webhook retry", "idempotency check", "HSM key rotation",
        "rate limiter", "transaction log", "fallback route",
    ),
    "fleet": (
        "GPS ingest", "route planner", "driver app", "fuel report", "geofence alert", "delivery proof",
        "maintenance calendar", "depot map", "cold chain sensor",
    ),
    "identity": ("session service", "SAML bridge", "password policy", "OTP sender", "role import", "device trust", "login audit"),
    "customer": ("segment builder", "consent store", "profile merge", "campaign feed", "churn score", "contact history"),
}  # fmt: skip

HOSTILE: Final = (
    "NUL \x00 inside the settlement file name",
    '=cmd("/c calc")!A1',
    "<script>alert(1)</script> appears in the receipt",
    "/close",
    "@all please review the fee table",
    "{code} blocks and [links|http://example.com] in templates",
    "CDATA end ]]> breaks the statement export",
    "Rocket launch 🚀👩‍👩‍👧‍👦 checklist for go-live",
    "Right-to-left \u202eoverride\u202c in customer names \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "VeryLongTitleWithoutAnySpace" + "AaBbCcDdEe" * 22,
    "| table | cells \\ backslashes * and _marks_ ``` ~~~",
    "${jndi:ldap://example.com/a} {{7*7}} %s %(name)s",
)


def workers() -> list[Worker]:
    """Everybody who works here."""
    return [Worker(f"w{number:02d}", name.lower().replace(" ", "."), name) for number, name in enumerate(_PEOPLE, 1)]


def title(rng: Random, topic: str) -> str:
    """A believable title about ``topic``, a key of TOPICS."""
    return f"{rng.choice(_VERBS)} {rng.choice(TOPICS[topic])} {rng.choice(_DETAILS)}".strip()
