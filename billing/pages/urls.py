"""The pages of billing."""

from django.urls import URLPattern, path

from billing.pages import (
    credits,
    details,
    operator_codes,
    operator_events,
    operator_money,
    operator_payments,
    operator_workspaces,
    papers,
    usage,
)

urlpatterns: list[URLPattern] = [
    path("usage", usage.usage, name="usage"),
    path("usage/data", usage.usage_renewed, name="usage_data"),
    path("credits", credits.credits, name="credits"),
    path("credits/buy", credits.credits_buy, name="credits_buy"),
    path("credits/payments/<uuid:payment_id>", credits.payment, name="payment"),
    path("operator/money", operator_money.money, name="operator_money"),
    path("operator/money/audit", operator_money.audit_now, name="operator_audit"),
    path("operator/money/audits/<int:run_id>", operator_money.audit_run, name="operator_audit_run"),
    path("operator/money/workspaces", operator_workspaces.workspaces, name="operator_workspaces"),
    path("operator/money/workspaces/<int:workspace_id>", operator_workspaces.workspace, name="operator_workspace"),
    path("operator/money/adjustments", operator_workspaces.adjustments, name="operator_adjustments"),
    path("operator/money/events", operator_events.events, name="operator_events"),
    path("operator/money/events/again", operator_events.events_again, name="operator_events_again"),
    path("operator/money/events/<str:event_id>", operator_events.event, name="operator_event"),
    path("operator/money/events/<str:event_id>/again", operator_events.event_again, name="operator_event_again"),
    path("operator/money/codes", operator_codes.codes, name="operator_codes"),
    path("operator/money/codes/<int:code_id>/off", operator_codes.code_off, name="operator_code_off"),
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
    path("operator/money/payments", operator_payments.operator_payments, name="operator_payments"),
    path("operator/money/payments/<uuid:payment_id>", operator_payments.operator_payment, name="operator_payment"),
    path("operator/money/payments/<uuid:payment_id>/refund", operator_payments.operator_refund, name="operator_refund"),
]
