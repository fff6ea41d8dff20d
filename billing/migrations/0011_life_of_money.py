"""Refunds, disputes, Stripe's own books, promotions, what workspaces chose about money, what operators did."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import xroute.lib.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_operator'),
        ('billing', '0010_names'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Adjustment',
            fields=[
                ('id', models.UUIDField(default=xroute.lib.ids.new_id, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('grant', 'Grant'), ('correction', 'Correction'), ('write_off', 'Write Off')], max_length=10)),
                ('amount_nanousd', models.BigIntegerField()),
                ('reason', models.CharField(max_length=500)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='AuditRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ended_at', models.DateTimeField(null=True)),
                ('count', models.IntegerField(db_default=0, default=0)),
                ('faults', models.JSONField(default=list)),
                ('error', models.TextField(db_default='', default='')),
            ],
        ),
        migrations.CreateModel(
            name='AutoTopUp',
            fields=[
                ('workspace', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='accounts.workspace')),
                ('enabled', models.BooleanField(db_default=False, default=False)),
                ('threshold_nanousd', models.BigIntegerField()),
                ('amount_cents', models.BigIntegerField()),
                ('monthly_cap_cents', models.BigIntegerField()),
                ('paused_at', models.DateTimeField(null=True)),
                ('pause_reason', models.CharField(db_default='', default='', max_length=300)),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='BalanceAlert',
            fields=[
                ('workspace', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='accounts.workspace')),
                ('level_nanousd', models.BigIntegerField()),
                ('sent_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='BillingDetails',
            fields=[
                ('workspace', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to='accounts.workspace')),
                ('name', models.CharField(blank=True, db_default='', default='', max_length=150)),
                ('line1', models.CharField(blank=True, db_default='', default='', max_length=150)),
                ('line2', models.CharField(blank=True, db_default='', default='', max_length=150)),
                ('postal_code', models.CharField(blank=True, db_default='', default='', max_length=20)),
                ('city', models.CharField(blank=True, db_default='', default='', max_length=100)),
                ('state', models.CharField(blank=True, db_default='', default='', max_length=100)),
                ('country', models.CharField(blank=True, db_default='', default='', max_length=2)),
                ('tax_number', models.CharField(blank=True, db_default='', default='', max_length=40)),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name_plural': 'billing details',
            },
        ),
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('status', models.CharField(max_length=40)),
                ('reason', models.CharField(db_default='', default='', max_length=60)),
                ('amount_cents', models.BigIntegerField()),
                ('held_credit_nanousd', models.BigIntegerField(db_default=0, default=0)),
                ('held_fee_nanousd', models.BigIntegerField(db_default=0, default=0)),
                ('held_tax_nanousd', models.BigIntegerField(db_default=0, default=0)),
                ('moves', models.IntegerField(db_default=0, default=0)),
                ('evidence_due_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('closed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ExpiringCredit',
            fields=[
                ('transfer', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='billing.transfer')),
                ('amount_nanousd', models.BigIntegerField()),
                ('expires_at', models.DateTimeField()),
                ('warned_at', models.DateTimeField(null=True)),
                ('taken_nanousd', models.BigIntegerField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='PromotionCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=40, unique=True)),
                ('amount_nanousd', models.BigIntegerField()),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('uses_max', models.IntegerField(blank=True, null=True)),
                ('uses', models.IntegerField(db_default=0, default=0)),
                ('credit_days', models.IntegerField(blank=True, null=True)),
                ('enabled', models.BooleanField(db_default=True, default=True)),
                ('note', models.CharField(blank=True, db_default='', default='', max_length=200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='PromotionUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=30, unique=True)),
                ('details', models.JSONField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.UUIDField(default=xroute.lib.ids.new_id, primary_key=True, serialize=False)),
                ('origin', models.CharField(choices=[('operator', 'Operator'), ('closing', 'Closing'), ('stripe', 'Stripe')], max_length=10)),
                ('status', models.CharField(choices=[('asked', 'Asked'), ('pending', 'Pending'), ('succeeded', 'Succeeded'), ('failed', 'Failed')], max_length=10)),
                ('amount_cents', models.BigIntegerField()),
                ('credit_nanousd', models.BigIntegerField()),
                ('fee_nanousd', models.BigIntegerField(db_default=0, default=0)),
                ('tax_nanousd', models.BigIntegerField(db_default=0, default=0)),
                ('stripe_id', models.CharField(max_length=255, null=True, unique=True)),
                ('reason', models.CharField(db_default='', default='', max_length=500)),
                ('error', models.TextField(db_default='', default='')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('checked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='StripeBalanceTransaction',
            fields=[
                ('id', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=60)),
                ('source', models.CharField(db_default='', default='', max_length=255)),
                ('currency', models.CharField(max_length=3)),
                ('amount_cents', models.BigIntegerField()),
                ('fee_cents', models.BigIntegerField()),
                ('net_cents', models.BigIntegerField()),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('booked', 'Booked'), ('foreign', 'Foreign')], max_length=10)),
                ('note', models.CharField(db_default='', default='', max_length=300)),
                ('created_at', models.DateTimeField()),
                ('mirrored_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='StripeComparison',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('stripe_cents', models.BigIntegerField()),
                ('ours_nanousd', models.BigIntegerField()),
                ('differences', models.JSONField(default=list)),
                ('unexplained_cents', models.BigIntegerField(db_default=0, default=0)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='transfer',
            name='transfer_kind_known',
        ),
        migrations.AddField(
            model_name='payment',
            name='fee_cents',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='payment',
            name='origin',
            field=models.CharField(choices=[('checkout', 'Checkout'), ('auto', 'Auto')], db_default='checkout', default='checkout', max_length=10),
        ),
        migrations.AddField(
            model_name='payment',
            name='save_card',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='payment',
            name='tax_cents',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='payment',
            name='total_cents',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='stripecustomer',
            name='card_brand',
            field=models.CharField(db_default='', default='', max_length=30),
        ),
        migrations.AddField(
            model_name='stripecustomer',
            name='card_expires',
            field=models.CharField(db_default='', default='', max_length=7),
        ),
        migrations.AddField(
            model_name='stripecustomer',
            name='card_last4',
            field=models.CharField(db_default='', default='', max_length=4),
        ),
        migrations.AddField(
            model_name='stripecustomer',
            name='details_sent_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='stripecustomer',
            name='payment_method_id',
            field=models.CharField(db_default='', default='', max_length=255),
        ),
        migrations.AlterField(
            model_name='transfer',
            name='kind',
            field=models.CharField(choices=[('usage', 'Usage'), ('deposit', 'Deposit'), ('top_up', 'Top Up'), ('promotion', 'Promotion'), ('refund', 'Refund'), ('dispute', 'Dispute'), ('correction', 'Correction'), ('write_off', 'Write Off'), ('top_up_fee', 'Top Up Fee'), ('tax', 'Tax'), ('stripe_fee', 'Stripe Fee'), ('stripe_other', 'Stripe Other'), ('payout', 'Payout'), ('move', 'Move'), ('expiry', 'Expiry'), ('forfeit', 'Forfeit')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('fee_cents__gte', 0), ('tax_cents__gte', 0)), name='payment_fee_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('origin__in', ['checkout', 'auto'])), name='payment_origin_known'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.UniqueConstraint(condition=models.Q(('origin', 'auto'), ('status__in', ['open', 'processing'])), fields=('workspace',), name='payment_one_auto_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='transfer',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['usage', 'deposit', 'top_up', 'promotion', 'refund', 'dispute', 'correction', 'write_off', 'top_up_fee', 'tax', 'stripe_fee', 'stripe_other', 'payout', 'move', 'expiry', 'forfeit'])), name='transfer_kind_known'),
        ),
        migrations.AddField(
            model_name='adjustment',
            name='created_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='adjustment',
            name='workspace',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adjustments', to='accounts.workspace'),
        ),
        migrations.AddIndex(
            model_name='auditrun',
            index=models.Index(fields=['-started_at'], name='audit_run_newest'),
        ),
        migrations.AddField(
            model_name='autotopup',
            name='changed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='balancealert',
            constraint=models.CheckConstraint(condition=models.Q(('level_nanousd__gte', 0)), name='balance_alert_level_fits'),
        ),
        migrations.AddField(
            model_name='dispute',
            name='payment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='billing.payment'),
        ),
        migrations.AddField(
            model_name='expiringcredit',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='billing.creditaccount'),
        ),
        migrations.AddField(
            model_name='promotioncode',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='promotionuse',
            name='promotion',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='used', to='billing.promotioncode'),
        ),
        migrations.AddField(
            model_name='promotionuse',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='promotionuse',
            name='workspace',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='accounts.workspace'),
        ),
        migrations.AddField(
            model_name='receipt',
            name='payment',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='receipt', to='billing.payment'),
        ),
        migrations.AddField(
            model_name='refund',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='refund',
            name='payment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='billing.payment'),
        ),
        migrations.AddIndex(
            model_name='stripebalancetransaction',
            index=models.Index(fields=['-created_at'], name='mirror_newest'),
        ),
        migrations.AddIndex(
            model_name='stripebalancetransaction',
            index=models.Index(condition=models.Q(('status', 'booked'), _negated=True), fields=['created_at'], name='mirror_not_booked'),
        ),
        migrations.AddConstraint(
            model_name='stripebalancetransaction',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['waiting', 'booked', 'foreign'])), name='mirror_status_known'),
        ),
        migrations.AddConstraint(
            model_name='stripebalancetransaction',
            constraint=models.CheckConstraint(condition=models.Q(('net_cents', django.db.models.expressions.CombinedExpression(models.F('amount_cents'), '-', models.F('fee_cents')))), name='mirror_net_is_right'),
        ),
        migrations.AddIndex(
            model_name='adjustment',
            index=models.Index(fields=['-created_at'], name='adjustment_newest'),
        ),
        migrations.AddConstraint(
            model_name='adjustment',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['grant', 'correction', 'write_off'])), name='adjustment_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='adjustment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'correction'), models.Q(('amount_nanousd', 0), _negated=True)), ('amount_nanousd__gt', 0), _connector='OR'), name='adjustment_moves_something'),
        ),
        migrations.AddConstraint(
            model_name='adjustment',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='adjustment_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='autotopup',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0), ('monthly_cap_cents__gte', models.F('amount_cents')), ('threshold_nanousd__gte', 0)), name='auto_top_up_amounts_fit'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0), ('held_credit_nanousd__gte', 0), ('held_fee_nanousd__gte', 0), ('held_tax_nanousd__gte', 0), ('moves__gte', 0)), name='dispute_holds_no_less_than_nothing'),
        ),
        migrations.AddIndex(
            model_name='expiringcredit',
            index=models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['expires_at'], name='expiring_credit_open'),
        ),
        migrations.AddConstraint(
            model_name='expiringcredit',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('taken_nanousd__isnull', True)), models.Q(('ended_at__isnull', False), ('taken_nanousd__gte', 0), ('taken_nanousd__isnull', False), ('taken_nanousd__lte', models.F('amount_nanousd'))), _connector='OR'), name='expiring_credit_ends_once'),
        ),
        migrations.AddConstraint(
            model_name='promotioncode',
            constraint=models.CheckConstraint(condition=models.Q(('amount_nanousd__gt', 0)), name='promotion_amount_positive'),
        ),
        migrations.AddConstraint(
            model_name='promotioncode',
            constraint=models.CheckConstraint(condition=models.Q(('uses__gte', 0), models.Q(('uses_max__isnull', True), ('uses__lte', models.F('uses_max')), _connector='OR')), name='promotion_uses_within_bounds'),
        ),
        migrations.AddConstraint(
            model_name='promotioncode',
            constraint=models.CheckConstraint(condition=models.Q(('credit_days__isnull', True), ('credit_days__gt', 0), _connector='OR'), name='promotion_days_positive'),
        ),
        migrations.AddConstraint(
            model_name='promotioncode',
            constraint=models.CheckConstraint(condition=models.Q(('code__regex', '^[A-Z0-9][A-Z0-9-]{2,39}$')), name='promotion_code_plain'),
        ),
        migrations.AddConstraint(
            model_name='promotionuse',
            constraint=models.UniqueConstraint(fields=('promotion', 'workspace'), name='promotion_once_per_workspace'),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(condition=models.Q(('status__in', ['asked', 'pending'])), fields=['checked_at'], name='refund_unsettled'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['asked', 'pending', 'succeeded', 'failed'])), name='refund_status_known'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('origin__in', ['operator', 'closing', 'stripe'])), name='refund_origin_known'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gt', 0), ('credit_nanousd__gte', 0), ('fee_nanousd__gte', 0), ('tax_nanousd__gte', 0), ('credit_nanousd', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('amount_cents'), '*', models.Value(10000000)), '-', models.F('fee_nanousd')), '-', models.F('tax_nanousd')))), name='refund_is_the_sum_of_its_parts'),
        ),
        migrations.RunSQL(
            "CREATE TRIGGER adjustment_append_only BEFORE UPDATE OR DELETE ON billing_adjustment "
            "FOR EACH ROW EXECUTE FUNCTION xr_refuse_change();"
            "CREATE TRIGGER adjustment_no_truncate BEFORE TRUNCATE ON billing_adjustment "
            "FOR EACH STATEMENT EXECUTE FUNCTION xr_refuse_change();"
            "CREATE TRIGGER receipt_append_only BEFORE UPDATE OR DELETE ON billing_receipt "
            "FOR EACH ROW EXECUTE FUNCTION xr_refuse_change();"
            "CREATE TRIGGER receipt_no_truncate BEFORE TRUNCATE ON billing_receipt "
            "FOR EACH STATEMENT EXECUTE FUNCTION xr_refuse_change();",
            migrations.RunSQL.noop,
        ),
    ]
