"""The pages of billing."""

from django.urls import URLPattern, path

from billing.pages import credits, details, papers, usage

urlpatterns: list[URLPattern] = [
    path("usage", usage.usage, name="usage"),
    path("usage/data", usage.usage_renewed, name="usage_data"),
    path("credits", credits.credits, name="credits"),
    path("credits/buy", credits.credits_buy, name="credits_buy"),
    path("credits/payments/<uuid:payment_id>", credits.payment, name="payment"),
    path("credits/payments/<uuid:payment_id>/go-on", credits.payment_go_on, name="payment_go_on"),
    path("credits/code", details.code_use, name="code_use"),
    path("credits/details", details.details, name="billing_details"),
    path("credits/details/change", details.details_change, name="billing_details_change"),
    path("credits/alerts", details.alert_change, name="balance_alert"),
    path("credits/receipts", papers.receipts, name="receipts"),
    path("credits/receipts/<str:number>.pdf", papers.receipt_file, name="receipt_file"),
    path("credits/statements", papers.statements, name="statements"),
    path("credits/statements/<int:year>-<int:month>", papers.statement_page, name="statement"),
    path("credits/statements/<int:year>-<int:month>.pdf", papers.statement_as_pdf, name="statement_pdf"),
    path("credits/statements/<int:year>-<int:month>.csv", papers.statement_as_csv, name="statement_csv"),
]
